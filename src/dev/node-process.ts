import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { DevError } from './dev-error.ts';
import { sizeOf, tail } from './server-program.ts';
import type { Warden } from './warden.ts';

export interface NodeSpec {
  readonly name: string;
  readonly entry: string | URL;
  readonly env: NodeJS.ProcessEnv;
  readonly log: string;
  readonly warden: Warden;
  readonly onEvent: (event: NodeEvent) => void;
}

export type NodeEvent =
  /** The API of the node answers; again after a restart. */
  | { readonly type: 'ready'; readonly name: string; readonly ms: number }
  /** Something that is true now and worth a line of the checklist. */
  | {
      readonly type: 'step';
      readonly name: string;
      readonly title: string;
      readonly detail: string;
    }
  /** It has imported a file of the user's own code, or tried to. */
  | { readonly type: 'imported'; readonly name: string; readonly file: string }
  /** It ended though nobody asked it to, and is started again after the pause. */
  | {
      readonly type: 'died';
      readonly name: string;
      readonly why: string;
      readonly pauseMs: number;
    };

/**
 * A node of the development cluster, kept running: one that dies is started again, with pauses that double.
 * It leads a session of its own: a Ctrl-C in the terminal reaches the supervisor alone, which stops things in order.
 */
export class NodeProcess implements AsyncDisposable {
  readonly #spec: NodeSpec;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #child: ChildProcess | undefined;
  #kept: Promise<void> | undefined;
  /** Somebody waits for another process, and the one that runs has to end for it. */
  #successor: PromiseWithResolvers<boolean> | undefined;
  #wake = new AbortController();

  constructor(spec: NodeSpec) {
    this.#spec = spec;
    // It may well fail while nobody waits for it.
    this.#ready.promise.catch(() => {});
  }

  get name(): string {
    return this.#spec.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#kept ??= this.#keep();
  }

  /** Resolves when its API has answered for the first time; rejects when it ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Ends the process in order and starts another one; resolves to whether that one serves. */
  async restart(patienceMs = 15_000): Promise<boolean> {
    const successor = Promise.withResolvers<boolean>();
    if (this.#stop.signal.aborted) return false;
    this.#successor?.resolve(false);
    this.#successor = successor;
    this.#wake.abort();
    const before = this.#child;
    before?.kill('SIGTERM');
    const hard = setTimeout(() => before?.kill('SIGKILL'), patienceMs);
    const serves = await successor.promise;
    clearTimeout(hard);
    return serves;
  }

  /** SIGTERM, so that it drains, and SIGKILL when that has taken too long. */
  async stop(patienceMs = 30_000): Promise<void> {
    this.#stop.abort();
    this.#successor?.resolve(false);
    this.#child?.kill('SIGTERM');
    const hard = setTimeout(() => this.kill(), patienceMs);
    await this.#kept;
    clearTimeout(hard);
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #keep(): Promise<void> {
    let pauseMs = firstPauseMs;
    for (;;) {
      const since = performance.now();
      const logStart = await sizeOf(this.#spec.log);
      // Nothing is awaited between this look and the fork: a stop finds either no child to come or the child.
      if (this.#stop.signal.aborted) return;
      const successor = this.#successor;
      this.#successor = undefined;
      if (successor !== undefined) pauseMs = firstPauseMs;
      const why = await this.#live(logStart, () => successor?.resolve(true));
      successor?.resolve(false);
      if (this.#stop.signal.aborted) return;
      if (this.#successor !== undefined) continue;
      this.#ready.reject(new NodeFailedError(this.#spec.name, why, this.#spec.log));
      if (performance.now() - since > steadyMs) pauseMs = firstPauseMs;
      this.#spec.onEvent({ type: 'died', name: this.#spec.name, why, pauseMs });
      this.#wake = new AbortController();
      await pause(pauseMs, AbortSignal.any([this.#stop.signal, this.#wake.signal]));
      pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    }
  }

  /** One process, from start to end; resolves to why it ended. */
  async #live(logStart: number, onReady: () => void): Promise<string> {
    const { name, log, warden, onEvent } = this.#spec;
    const since = performance.now();
    const child = this.#fork();
    this.#child = child;
    let failure: string | undefined;
    child.on('message', (message) => {
      if (!isNodeMessage(message)) return;
      switch (message.type) {
        case 'ready':
          onEvent({ type: 'ready', name, ms: Math.round(performance.now() - since) });
          this.#ready.resolve();
          return onReady();
        case 'step':
          return onEvent({ type: 'step', name, title: message.name, detail: message.detail });
        case 'imported':
          return onEvent({ type: 'imported', name, file: message.file });
        case 'failed':
          failure = message.message;
          return;
      }
    });
    const ending = await endOf(child);
    this.#child = undefined;
    // A pid of -1 is one that never was.
    if (child.pid !== undefined) warden.release(child.pid);
    return failure ?? withLog(ending, await tail(log, logStart));
  }

  #fork(): ChildProcess {
    const { entry, env, log, warden } = this.#spec;
    // A file rather than a pipe: it does not break when the supervisor is killed, and costs it nothing.
    const output = openSync(log, 'a', 0o600);
    const child = fork(entry, ['start'], {
      env,
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    });
    closeSync(output);
    if (child.pid !== undefined) warden.guard(child.pid);
    return child;
  }
}

export class NodeFailedError extends DevError {
  override readonly name = 'NodeFailedError';
  override readonly code = 'NODE_FAILED';

  constructor(node: string, why: string, log: string) {
    super(`node ${node} could not start: ${why}\nThe whole log is in ${log}.`);
  }
}

const firstPauseMs = 200;
const lastPauseMs = 10_000;
/** A node that has lived this long has not failed in starting. */
const steadyMs = 30_000;

type NodeMessage =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'imported'; readonly file: string }
  | { readonly type: 'step'; readonly name: string; readonly detail: string };

function isNodeMessage(value: unknown): value is NodeMessage {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  const isText = (key: string) => typeof Reflect.get(value, key) === 'string';
  return (
    (value.type === 'ready' && isText('url')) ||
    (value.type === 'failed' && isText('message')) ||
    (value.type === 'imported' && isText('file')) ||
    (value.type === 'step' && isText('name') && isText('detail'))
  );
}

async function endOf(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`),
    );
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
}

function withLog(ending: string, lines: string): string {
  return lines === '' ? ending : `${ending}. Its log ends with:\n${lines}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
