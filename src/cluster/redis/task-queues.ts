import { allOk, valueOf } from './connection.ts';
import type { RedisLink, Reply } from './connection.ts';
import { groups, list, number, text, textOrNull, texts } from './replies.ts';
import {
  cancelTask,
  claimTasks,
  command,
  endLeases,
  extendLeases,
  finishTasks,
  pushTasks,
  queueDepth,
  releaseTasks,
} from './scripts.ts';
import type { Call } from './scripts.ts';

export interface TaskQueueOptions {
  /** Most items ready in one queue. */
  readonly limit?: number;
  readonly maxDeliveries?: number;
  /** From the claim to the first heartbeat; short, because the reply to a claim can be lost. */
  readonly firstLeaseMs?: number;
  /** From a heartbeat to the next. */
  readonly leaseMs?: number;
}

export interface QueuedTask {
  readonly key: string;
  /** 0 to 255; the lower number goes first. */
  readonly priority: number;
  readonly payload: string;
}

export interface Claim {
  readonly items: { key: string; payload: string; delivery: number }[];
  /** Their leases ran out once too often; they are removed. */
  readonly poisoned: { key: string; payload: string }[];
  /** Still ready after this claim. */
  readonly remaining: number;
}

export interface QueueDepth {
  readonly ready: number;
  readonly leased: number;
  /** How long the item that waits longest has waited; 0 when none does. */
  readonly oldestMs: number;
}

/**
 * Queues of tasks that any node with the right code may take. An item is pushed once by its key, is leased to one node at a
 * time, and goes back to the line when its node stops extending the lease. Deadlines are by the clock of Redis.
 */
export class TaskQueues {
  readonly #link: RedisLink;
  readonly #options: Required<TaskQueueOptions>;

  constructor(link: RedisLink, options: TaskQueueOptions = {}) {
    this.#link = link;
    this.#options = {
      limit: 100_000,
      maxDeliveries: 5,
      firstLeaseMs: 5_000,
      leaseMs: 30_000,
      ...options,
    };
  }

  /**
   * Idempotent by key: an item that is there, ready or leased, stays as it is. Rejects with QueueFullError when the queue has
   * no room; up to 200 items are pushed all or none, of more some may have been.
   */
  async push(queue: string, items: readonly QueuedTask[]): Promise<void> {
    const { limit } = this.#options;
    const keys = this.#keys(queue, 'ready', 'payload', 'state');
    const replies = await this.#link.pipeline(
      chunks(items, 200).map((chunk) =>
        pushTasks.call(keys, [
          limit,
          ...chunk.flatMap(({ key, priority, payload }) => [key, placeable(priority), payload]),
        ]),
      ),
    );
    if (replies.some((reply) => number(valueOf(reply)) < 0)) throw new QueueFullError(queue, limit);
  }

  /** Takes back what has expired, then leases up to `count` to the node, the first in line first. */
  async claim(queue: string, node: string, count: number): Promise<Claim> {
    const { firstLeaseMs, leaseMs, maxDeliveries } = this.#options;
    const [items, poisoned, remaining] = list(
      await this.#link.run(
        claimTasks.call(this.#keys(queue, 'ready', 'payload', 'state', 'leases'), [
          node,
          count,
          firstLeaseMs,
          leaseMs,
          maxDeliveries,
        ]),
      ),
    );
    return {
      items: groups(items, 3).map(([key, payload, delivery]) => ({
        key: text(key),
        payload: text(payload),
        delivery: number(delivery),
      })),
      poisoned: groups(poisoned, 2).map(([key, payload]) => ({
        key: text(key),
        payload: text(payload),
      })),
      remaining: number(remaining),
    };
  }

  /** Extends the leases; resolves with the keys that the node no longer holds, because they were canceled or taken back. */
  async heartbeat(queue: string, node: string, keys: readonly string[]): Promise<string[]> {
    const names = this.#keys(queue, 'state', 'leases');
    const replies = await this.#inChunks(keys, (chunk) =>
      extendLeases.call(names, [node, this.#options.leaseMs, ...chunk]),
    );
    return replies.flatMap((reply) => texts(valueOf(reply)));
  }

  /** Removes what the node has done; what it no longer holds is left alone. */
  async done(queue: string, node: string, keys: readonly string[]): Promise<void> {
    const names = this.#keys(queue, 'payload', 'state', 'leases');
    allOk(await this.#inChunks(keys, (chunk) => finishTasks.call(names, [node, ...chunk])));
  }

  /** Gives back what the node holds, to the front of the line; that delivery does not count. */
  async release(queue: string, node: string, keys: readonly string[]): Promise<void> {
    const names = this.#keys(queue, 'ready', 'state', 'leases');
    // The last chunk first, because each goes before all that are there.
    const calls = chunks(keys, 500).map((chunk) => releaseTasks.call(names, [node, ...chunk]));
    allOk(await this.#link.pipeline(calls.toReversed()));
  }

  /** Ends the leases of a node that is gone, so that the next claim takes back what it held; the delivery counts. */
  async expire(queue: string, node: string, keys: readonly string[]): Promise<void> {
    const names = this.#keys(queue, 'state', 'leases');
    allOk(await this.#inChunks(keys, (chunk) => endLeases.call(names, [node, ...chunk])));
  }

  /** Removes an item. When it was leased, its holder has to be told; it also learns of it by its next heartbeat. */
  async cancel(
    queue: string,
    key: string,
  ): Promise<{ was: 'ready' | 'leased' | 'absent'; holder: string | null }> {
    const [was, holder] = list(
      await this.#link.run(
        cancelTask.call(this.#keys(queue, 'ready', 'payload', 'state', 'leases'), [key]),
      ),
    );
    return {
      was: was === 'ready' || was === 'leased' ? was : 'absent',
      holder: textOrNull(holder),
    };
  }

  /** Whether each is in the queue, ready or leased. */
  async has(queue: string, keys: readonly string[]): Promise<boolean[]> {
    const [state = ''] = this.#keys(queue, 'state');
    const replies = await this.#inChunks(keys, (chunk) => command('hmget', state, ...chunk));
    return replies.flatMap((reply) => list(valueOf(reply)).map((found) => found !== null));
  }

  async depth(queues: readonly string[]): Promise<Map<string, QueueDepth>> {
    const replies = await this.#link.pipeline(
      queues.map((queue) => queueDepth.call(this.#keys(queue, 'ready', 'state', 'leases'), [])),
    );
    return new Map(
      queues.map((queue, index) => {
        const [ready, leased, oldestMs] = list(valueOf(replies[index])).map(number);
        return [queue, { ready: ready ?? 0, leased: leased ?? 0, oldestMs: oldestMs ?? 0 }];
      }),
    );
  }

  async #inChunks(
    keys: readonly string[],
    call: (chunk: readonly string[]) => Call,
  ): Promise<Reply[]> {
    return await this.#link.pipeline(chunks(keys, 500).map(call));
  }

  #keys(queue: string, ...names: readonly string[]): string[] {
    // A brace in the name would end the hash tag early, and the keys of a queue would be of several slots.
    const tag = encodeURIComponent(queue);
    return names.map((name) => this.#link.key(`{q${tag}}:${name}`));
  }
}

/** The queue has as many items ready as it may. Push again later; it is idempotent. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly queue: string;

  constructor(queue: string, limit: number) {
    super(`the task queue ${queue} is full: ${limit} tasks are ready`);
    this.queue = queue;
  }
}

function placeable(priority: number): number {
  return Math.min(255, Math.max(0, Math.round(priority)));
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const found: Item[][] = [];
  for (let index = 0; index < items.length; index += size)
    found.push(items.slice(index, index + size));
  return found;
}
