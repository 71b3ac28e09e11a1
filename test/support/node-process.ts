import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

import type { NodeOptions } from '#cluster/node.ts';

/** What a node process tells its parent. */
export type ToParent =
  | { readonly type: 'ready'; readonly id: string; readonly shards: number }
  | { readonly type: 'claimed'; readonly shards: number; readonly from: readonly string[] }
  | { readonly type: 'fenced'; readonly shard: number }
  | { readonly type: 'started'; readonly key: string }
  | { readonly type: 'mysql-up' };

/** A node in a process of its own, to be killed, frozen or asked to end. */
export class NodeProcess implements AsyncDisposable {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;

  /** Resolves when the node serves. */
  static async start(options: Omit<NodeOptions, 'notices' | 'definitions'>): Promise<NodeProcess> {
    const child = fork(new URL('./node-entry.ts', import.meta.url), [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const exit = once(child, 'exit').then(([code]: unknown[]) =>
      typeof code === 'number' ? code : null,
    );
    const ready = await Promise.race([next(child, 'ready'), exit]);
    if (ready === null || typeof ready === 'number') {
      throw new Error(`node ${options.name} ended with ${String(ready)} before it was ready`);
    }
    return new NodeProcess(ready.id, child, exit);
  }

  private constructor(id: string, child: ChildProcess, exit: Promise<number | null>) {
    this.id = id;
    this.#child = child;
    this.#exit = exit;
  }

  /** The next thing of this kind that the node tells and that matches. */
  async next<Type extends ToParent['type']>(
    type: Type,
    matches: (told: Extract<ToParent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<ToParent, { type: Type }>> {
    return await next(this.#child, type, matches);
  }

  /** Each thing of this kind that the node tells from now on. */
  on<Type extends ToParent['type']>(
    type: Type,
    heard: (told: Extract<ToParent, { type: Type }>) => void,
  ): void {
    this.#child.on('message', (told: ToParent) => {
      if (isOf(told, type)) heard(told);
    });
  }

  signal(name: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  /** Resolves when the process is gone; with its exit code, null when a signal ended it. */
  async ended(): Promise<number | null> {
    return await this.#exit;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

async function next<Type extends ToParent['type']>(
  child: ChildProcess,
  type: Type,
  matches: (told: Extract<ToParent, { type: Type }>) => boolean = () => true,
): Promise<Extract<ToParent, { type: Type }>> {
  return await new Promise((resolve) => {
    const listen = (told: ToParent): void => {
      if (!isOf(told, type) || !matches(told)) return;
      child.off('message', listen);
      resolve(told);
    };
    child.on('message', listen);
  });
}

function isOf<Type extends ToParent['type']>(
  told: ToParent,
  type: Type,
): told is Extract<ToParent, { type: Type }> {
  return told.type === type;
}
