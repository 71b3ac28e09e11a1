import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { end, ended, identify, type ProcessIdentity } from '#dev/processes.ts';

interface Settings {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
}

/** A program (of test/dev/fixtures, when it is not a URL) in a process group of its own, as a terminal would run it. */
export class Script implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exit: Promise<number | string>;
  output = '';
  readonly #waits = new Set<() => void>();

  constructor(program: string | URL, { args = [], env = {} }: Settings = {}) {
    const file = fileURLToPath(
      typeof program === 'string' ? new URL(`./fixtures/${program}.ts`, import.meta.url) : program,
    );
    this.#child = spawn(process.execPath, [file, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.output += text.toString();
        this.#waits.forEach((look) => look());
      });
    }
    this.exit = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        resolve(signal ?? code ?? 'unknown');
        this.#waits.forEach((look) => look());
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves to the first match in the output; rejects when the program ends without it. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (!match && !hasEnded) return;
        this.#waits.delete(look);
        if (match) resolve(match);
        else reject(new Error(`it ended without ${pattern}, and printed:\n${this.output}`));
      };
      this.#waits.add(look);
      look();
    });
  }

  /** As the terminal does it: to everybody in the group. */
  pressCtrlC(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  kill(): void {
    process.kill(this.pid, 'SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const identity = identify(this.pid);
    if (identity) await end(identity, 20_000);
  }
}

/** The running processes among these pids. */
export function running(pids: readonly number[]): readonly ProcessIdentity[] {
  return pids.map((pid) => identify(pid)).filter((identity) => identity !== undefined);
}

/** The pids of those that are still running after a time that is more than enough. */
export async function survivors(of: readonly ProcessIdentity[]): Promise<readonly number[]> {
  const ends = await Promise.all(of.map((identity) => ended(identity, 15_000)));
  return of.filter((_, index) => !ends[index]).map(({ pid }) => pid);
}
