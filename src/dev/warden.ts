import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Exit, isReport, type Order, type Program, type Report } from './warden-messages.ts';

/**
 * The parent's end of a small process that owns what must not outlive the parent: see warden-process.ts.
 * A warden does not keep its parent alive; a parent that just exits has ended everything.
 */
export class Warden implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** Resolves when the warden itself has ended, for whatever reason. */
  readonly gone: Promise<void>;
  readonly #programs = new Map<number, WardedProgram>();
  #lastId = 0;
  #waits = 0;

  constructor() {
    // In the published package both files are .js.
    const file = new URL(`./warden-process${extname(import.meta.url)}`, import.meta.url);
    this.#process = fork(fileURLToPath(file), [], {
      detached: true,
      stdio: 'ignore',
      execArgv: [],
    });
    this.#process.unref();
    this.#process.channel?.unref();
    this.#process.on('message', (message) => {
      if (isReport(message)) this.#hear(message);
    });
    this.gone = new Promise((resolve) => {
      const lost = () => {
        for (const program of this.#programs.values()) program.lost();
        this.#programs.clear();
        resolve();
      };
      this.#process.once('exit', lost);
      // Of the errors, only that it could not be started counts: after a broken channel comes the exit.
      this.#process.on('error', () => {
        if (this.#process.pid === undefined) lost();
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Starts the program as the warden's child; rejects when it cannot be started. */
  async run(program: Program): Promise<RunningProgram> {
    const id = ++this.#lastId;
    const warded = new WardedProgram((signal) => this.#send({ type: 'end', id, signal }));
    this.#programs.set(id, warded);
    this.#send({ type: 'run', id, program });
    const pid = await this.#whileAlive(warded.started);
    return {
      pid,
      exit: warded.exit,
      wait: () => this.#whileAlive(warded.exit),
      kill: () => warded.signal('SIGKILL'),
      end: async (patienceMs) => {
        warded.signal('SIGTERM');
        const hard = setTimeout(() => warded.signal('SIGKILL'), patienceMs);
        const exit = await this.#whileAlive(warded.exit);
        clearTimeout(hard);
        return exit;
      },
    };
  }

  /** Ends the group that this process leads, too, when the parent dies. The parent goes on to run it. */
  guard(pid: number): void {
    this.#send({ type: 'guard', pid });
  }

  release(pid: number): void {
    this.#send({ type: 'release', pid });
  }

  /** Ends all programs as a power cut would. */
  kill(): void {
    for (const program of this.#programs.values()) program.signal('SIGKILL');
  }

  /** Ends whatever is still running, and the warden itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.connected) {
      this.#process.ref();
      this.#process.disconnect();
    }
    await this.gone;
  }

  /** The channel keeps the parent alive only as long as the parent waits for something from it. */
  async #whileAlive<T>(promise: Promise<T>): Promise<T> {
    this.#waits += 1;
    this.#process.channel?.ref();
    try {
      return await promise;
    } finally {
      this.#waits -= 1;
      if (this.#waits === 0) this.#process.channel?.unref();
    }
  }

  #send(order: Order): void {
    if (this.#process.connected) this.#process.send(order, () => {});
    else if (order.type === 'run') this.#programs.get(order.id)?.lost();
  }

  #hear(report: Report): void {
    const program = this.#programs.get(report.id);
    switch (report.type) {
      case 'started':
        program?.hasStarted(report.pid);
        return;
      case 'not-started':
        program?.hasNotStarted(report.message);
        this.#programs.delete(report.id);
        return;
      case 'exited':
        program?.hasExited({ code: report.code, signal: report.signal });
        this.#programs.delete(report.id);
        return;
    }
  }
}

export interface RunningProgram {
  readonly pid: number;
  /** Resolves when the program has ended, for whatever reason; does not keep this process alive until then. */
  readonly exit: Promise<Exit>;
  /** The same, but does. */
  wait(): Promise<Exit>;
  /** SIGTERM, and SIGKILL when it has not ended within the time. */
  end(patienceMs: number): Promise<Exit>;
  kill(): void;
}

class WardedProgram {
  readonly #started = Promise.withResolvers<number>();
  readonly #exit = Promise.withResolvers<Exit>();
  readonly signal: (name: 'SIGTERM' | 'SIGKILL') => void;
  #pid: number | undefined;

  constructor(signal: (name: 'SIGTERM' | 'SIGKILL') => void) {
    this.signal = signal;
  }

  get started(): Promise<number> {
    return this.#started.promise;
  }

  get exit(): Promise<Exit> {
    return this.#exit.promise;
  }

  hasStarted(pid: number): void {
    this.#pid = pid;
    this.#started.resolve(pid);
  }

  hasNotStarted(message: string): void {
    this.#started.reject(new Error(message));
  }

  hasExited(exit: Exit): void {
    this.#exit.resolve(exit);
  }

  /** The warden itself has been killed: its orphan must not stay, and nobody else knows of it. */
  lost(): void {
    this.#started.reject(new Error('the warden process has ended'));
    if (this.#pid !== undefined) {
      try {
        process.kill(this.#pid, 'SIGTERM');
      } catch {
        // It has ended with its warden.
      }
    }
    this.#exit.resolve({ code: null, signal: 'SIGTERM' });
  }
}
