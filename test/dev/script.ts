import { type ChildProcess, spawn } from 'node:child_process';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import { end, ended, identify, type ProcessIdentity } from '#dev/processes.ts';

interface Settings {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Without a channel to the parent it runs as from a shell. */
  readonly channel?: boolean;
  readonly cwd?: string;
}

/** A name of test/dev/fixtures, a module, or a command of the shell's PATH. */
type Program = string | URL | { readonly command: string };

/** Those of the test that runs. */
const started = new Set<Script>();

// A root hook: whoever imports this file first is loaded by mocha outside of every suite.
afterEach(function () {
  // A line that never comes says nothing of what came instead.
  if (this.currentTest?.state === 'failed') {
    for (const { output } of started) process.stderr.write(`It printed:\n${output}\n`);
  }
  started.clear();
});

/** A program in a process group of its own, as a terminal would run it. */
export class Script implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exit: Promise<number | string>;
  output = '';
  readonly #waits = new Set<() => void>();

  constructor(program: Program, { args = [], env = {}, channel = true, cwd }: Settings = {}) {
    const [command, ...first] = commandOf(program);
    this.#child = spawn(command, [...first, ...args], {
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'pipe', 'pipe', ...(channel ? (['ipc'] as const) : [])],
      env: { ...process.env, ...env },
    });
    const streams = [this.#child.stdout, this.#child.stderr].filter((stream) => stream !== null);
    for (const stream of streams) {
      stream.on('data', (text: Buffer) => {
        this.output += text.toString();
        this.#waits.forEach((look) => look());
      });
    }
    this.exit = new Promise((resolve) => {
      // Its own `close` does not come when it was us who closed the channel.
      const ends = streams.map(async (stream) => await finished(stream).catch(() => undefined));
      this.#child.once('exit', (code, signal) => {
        resolve(Promise.all(ends).then(() => signal ?? code ?? 'unknown'));
      });
    });
    started.add(this);
    void this.exit.then(() => {
      this.#waits.forEach((look) => look());
      return undefined;
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

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  /** Closes the channel, as the death of the parent does. */
  disconnect(): void {
    this.#child.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const identity = identify(this.pid);
    if (identity) await end(identity, 20_000);
  }
}

function commandOf(program: Program): readonly [string, ...string[]] {
  if (typeof program === 'object' && 'command' in program) return [program.command];
  const isFixture = typeof program === 'string';
  const file = isFixture ? new URL(`./fixtures/${program}.ts`, import.meta.url) : program;
  return [process.execPath, fileURLToPath(file)];
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
