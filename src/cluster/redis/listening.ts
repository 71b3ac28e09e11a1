import type { Redis } from 'ioredis';

import { pause } from './connection.ts';
import type { Reply, RedisLink } from './connection.ts';
import { isPassing } from './failures.ts';
import type { Call } from './scripts.ts';

/**
 * Waits on one key of Redis for ever: one connection, one blocking command at a time, made again after each reconnect.
 *
 * `block` waits for the first, `more` takes what else is there; both travel together, and Redis does the second when
 * the first has waited, so that a wake-up costs one round trip.
 */
export class Listening {
  readonly #redis: Redis;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(
    link: RedisLink,
    pop: {
      readonly block: Call;
      readonly more: Call;
      /** The replies to both -> what was taken; null is nothing. */
      readonly taken: (first: unknown, rest: unknown) => string[];
    },
    deliver: (taken: string[]) => void,
  ) {
    this.#redis = link.blocking();
    // It rejects only when `deliver` throws, which is a bug and must be seen.
    this.#running = this.#run(
      [pop.block, pop.more].map((call) => [call.command, ...call.args]),
      pop.taken,
      deliver,
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#redis.disconnect();
    await this.#running;
  }

  async #run(
    calls: unknown[][],
    taken: (first: unknown, rest: unknown) => string[],
    deliver: (taken: string[]) => void,
  ): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && (await isReady(this.#redis, signal))) {
      const [first, rest] = await repliesTo(this.#redis, calls);
      if (first?.ok) {
        // The rest may have failed with the connection after the first was taken; what was taken is not lost then.
        const found = taken(first.value, rest?.ok ? rest.value : null);
        if (found.length > 0 && !signal.aborted) deliver(found);
      } else {
        await pause(first && isPassing(first.error) ? 20 : 1000, signal);
      }
    }
  }
}

async function repliesTo(redis: Redis, calls: unknown[][]): Promise<Reply[]> {
  const replies = await redis.pipeline(calls).exec();
  return (replies ?? []).map(([error, value]) =>
    error ? { ok: false, error } : { ok: true, value },
  );
}

/** Resolves with true once the connection is ready, and with false when it has ended or the signal says so. */
async function isReady(redis: Redis, signal: AbortSignal): Promise<boolean> {
  if (redis.status === 'ready') return true;
  if (redis.status === 'end' || signal.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const yes = (): void => resolve(true);
  const no = (): void => resolve(false);
  redis.once('ready', yes);
  redis.once('end', no);
  signal.addEventListener('abort', no, { once: true });
  try {
    return await promise;
  } finally {
    redis.off('ready', yes);
    redis.off('end', no);
    signal.removeEventListener('abort', no);
  }
}
