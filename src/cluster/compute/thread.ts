/* oxlint-disable unicorn/require-post-message-target-origin -- ports of threads have no origin */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { MessagePort } from 'node:worker_threads';

import type { Failure } from '#actors/failure.ts';
import type { LogLine, Progress, Work } from '#actors/work.ts';

import { LaneMemory } from './lane-memory.ts';
import { Registry } from './registry.ts';
import { Reports, type ReportsOut } from './reports.ts';
import {
  abortError,
  type Host,
  type Limits,
  type Prepared,
  runWork,
  safeFailure,
} from './run-work.ts';

/**
 * A lane: the one long task that Piscina runs in a thread. It takes batches of work from its port and reports through the
 * shared memory until it is told to stop. What user code does to the thread is laid at the door of the attempt that did it,
 * which AsyncLocalStorage knows even in timers and event handlers.
 */
export async function lane(start: LaneStart): Promise<void> {
  protectThread();
  const memory = new LaneMemory(start.slots, start.memory);
  const registry = await Registry.load(start.modules);
  const thread = new Thread(start, memory, registry);
  tellStray = (message) => thread.report('w', 0, JSON.stringify(message));
  await thread.work();
}

export interface LaneStart {
  readonly port: MessagePort;
  readonly memory: SharedArrayBuffer;
  readonly slots: number;
  readonly modules: readonly string[];
  readonly node: string;
  readonly limits: Limits;
}

/** Work as it is sent, in a JSON text of many: its number in this lane, its slot, and its input if that is prepared. */
export type Sent = readonly [id: number, slot: number, work: Work, prepared?: Prepared];

/** Everything else that a lane is told. */
export type LaneCommand =
  | { readonly type: 'abort'; readonly id: number; readonly reason: string }
  /** It was reported as ended: what it still does is not heard any more. */
  | { readonly type: 'forget'; readonly id: number }
  /** Does the event loop turn? */
  | { readonly type: 'ping' }
  | { readonly type: 'stop' };

/**
 * What a lane reports: a letter, the work's number, `:` and JSON.
 * r ready · f finished (outcome) · d dropped: it was revoked, or was forgotten and has ended
 * a abort or ping heard · p progress · l log line · w warning about the thread
 */
type ReportKind = 'r' | 'f' | 'd' | 'a' | 'p' | 'l' | 'w';

class Thread {
  readonly #start: LaneStart;
  readonly #memory: LaneMemory;
  readonly #registry: Registry;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #running = new Map<number, Attempt>();
  #waiting: Sent[] = [];
  #next = 0;
  #isPumping = false;
  #turnBegan = 0;

  constructor(start: LaneStart, memory: LaneMemory, registry: Registry) {
    this.#start = start;
    this.#memory = memory;
    this.#registry = registry;
  }

  async work(): Promise<void> {
    const { port } = this.#start;
    port.on('message', (message: string | LaneCommand) => {
      if (typeof message === 'string') this.#take(message);
      else this.#obey(message);
    });
    this.report('r', 0, 'null');
    await this.#stopped.promise;
    port.close();
  }

  report(kind: ReportKind, id: number, json: string): void {
    const text = `${kind}${id}:${json}`;
    if (this.#memory.write(text)) {
      // At once, because the next work may block this thread; holding it back for 32 results was no faster.
      if (this.#memory.ring()) this.#start.port.postMessage(null);
    } else {
      this.#memory.posted();
      this.#start.port.postMessage(text);
    }
  }

  settle(attempt: Attempt, outcome: string): void {
    if (attempt.ended) {
      if (attempt.forgotten) this.report('d', attempt.id, 'null');
      return;
    }
    attempt.reports.close();
    attempt.ended = true;
    this.#running.delete(attempt.id);
    this.report('f', attempt.id, outcome);
  }

  #take(batch: string): void {
    const works: Sent[] = JSON.parse(batch);
    if (this.#next === this.#waiting.length) {
      this.#waiting = works;
      this.#next = 0;
    } else {
      this.#waiting.push(...works);
    }
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#turnBegan = performance.now();
    this.#pump();
  }

  // One at a time, and everything that one could finish without waiting is finished and reported before the next begins:
  // a work that blocks the thread holds back none that came before it. Those after it can be taken back by the node.
  readonly #pump = (): void => {
    const sent = this.#waiting[this.#next];
    if (sent === undefined) {
      this.#isPumping = false;
      return;
    }
    this.#next += 1;
    this.#begin(sent);
    if (performance.now() - this.#turnBegan < turnMs) {
      queueMicrotask(() => process.nextTick(this.#pump));
      return;
    }
    // Timers, I/O and aborts of those that run get their turn.
    setImmediate(() => {
      this.#turnBegan = performance.now();
      this.#pump();
    });
  };

  #begin([id, slot, work, prepared]: Sent): void {
    if (!this.#memory.claim(slot, Date.now())) {
      this.report('d', id, 'null');
      return;
    }
    const attempt = new Attempt(id, this, this.#start.node, this.#start.limits);
    this.#running.set(id, attempt);
    void current.run(attempt, async () => {
      this.settle(attempt, await runWork(work, this.#registry, attempt, prepared));
    });
  }

  #obey(command: LaneCommand): void {
    switch (command.type) {
      case 'abort':
        // First the answer: a listener of the signal may block.
        this.report('a', command.id, 'null');
        this.#running.get(command.id)?.abort(command.reason);
        break;
      case 'forget': {
        const attempt = this.#running.get(command.id);
        if (attempt === undefined) break;
        attempt.ended = true;
        attempt.forgotten = true;
        this.#running.delete(command.id);
        break;
      }
      case 'ping':
        this.report('a', 0, 'null');
        break;
      case 'stop':
        this.#stopped.resolve();
        break;
    }
  }
}

/** An attempt that runs in this thread. */
class Attempt implements Host, ReportsOut {
  readonly id: number;
  readonly node: string;
  readonly limits: Limits;
  readonly reports: Reports;
  readonly #thread: Thread;
  #controller: AbortController | null = null;
  abortReason: string | null = null;
  ended = false;
  /** Given up by the node, while its code went on. */
  forgotten = false;

  constructor(id: number, thread: Thread, node: string, limits: Limits) {
    this.id = id;
    this.#thread = thread;
    this.node = node;
    this.limits = limits;
    this.reports = new Reports(this);
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.abortReason !== null) this.#controller.abort(abortError(this.abortReason));
    }
    return this.#controller.signal;
  }

  abort(reason: string): void {
    this.abortReason = reason;
    current.run(this, () => this.#controller?.abort(abortError(reason)));
  }

  /** It took the thread down, or would have. */
  crash(failure: Failure): void {
    this.#thread.settle(this, JSON.stringify({ status: 'failed', failure }));
  }

  progressed(progress: Progress): void {
    if (!this.ended) this.#thread.report('p', this.id, JSON.stringify(progress));
  }

  logged(line: LogLine): void {
    if (!this.ended) this.#thread.report('l', this.id, JSON.stringify(line));
  }
}

const current = new AsyncLocalStorage<Attempt>();
let tellStray: (message: string) => void = () => undefined;
let isProtected = false;
const turnMs = 2;

/** Piscina may run one lane after another in a thread; the process object of the thread is changed once. */
function protectThread(): void {
  if (isProtected) return;
  isProtected = true;
  process.exit = (code) => {
    const call = `process.exit(${code ?? ''})`;
    blame(`called ${call}`, new ProcessExitError(`${call} was called by task code`));
    // The thread stays for the mates; the caller must not go on.
    throw new ProcessExitError(`${call} is not available to task code`);
  };
  process.on('uncaughtException', (error) => blame('uncaught exception', error));
  process.on('unhandledRejection', (error) => blame('unhandled rejection', error));
}

class ProcessExitError extends Error {
  override readonly name = 'ProcessExitError';
}

function blame(what: string, error: unknown): void {
  const attempt = current.getStore();
  // The throw that ends a call of process.exit in a timer comes here too, after its attempt was blamed.
  if (attempt?.ended === true && error instanceof ProcessExitError) return;
  const failure = safeFailure(error, 'crashed');
  if (attempt === undefined || attempt.ended) {
    const whose = attempt === undefined ? 'no attempt' : 'an attempt that had ended';
    tellStray(`${what} in a thread, of ${whose}: ${failure.stack ?? failure.message}`);
    return;
  }
  const message = what.startsWith('called') ? failure.message : `${what}: ${failure.message}`;
  attempt.crash({ ...failure, message });
}
