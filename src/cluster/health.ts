import { ClusterError } from './api.ts';
import type { Notices } from './notices.ts';

/** After so long an outage a call is refused at once; a shorter one is waited out. */
const outageMs = 1_500;
const retryAfterMs = 1_000;

/** How a node is, as far as callers need to know: whether it leaves, and which of its servers do not answer. */
export class NodeHealth {
  readonly #name: string;
  readonly #notices: Notices;
  #isDraining = false;
  #mysqlDownSince: number | null = null;
  #redisDownSince: number | null = null;

  constructor(name: string, notices: Notices) {
    this.#name = name;
    this.#notices = notices;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Which of the servers answer, as far as is known. */
  get reachable(): { readonly mysql: boolean; readonly redis: boolean } {
    return { mysql: this.#mysqlDownSince === null, redis: this.#redisDownSince === null };
  }

  drain(): void {
    this.#isDraining = true;
  }

  mysqlDown(error: unknown): void {
    this.#mysqlDownSince ??= performance.now();
    this.#notices.emit('mysql.down', { error });
  }

  mysqlUp(): void {
    this.#mysqlDownSince = null;
    this.#notices.emit('mysql.up', {});
  }

  redisDown(): void {
    this.#redisDownSince ??= performance.now();
    this.#notices.emit('redis.down', {});
  }

  redisUp(dataMayBeLost: boolean): void {
    this.#redisDownSince = null;
    this.#notices.emit('redis.up', { dataMayBeLost });
  }

  /** Throws DRAINING or UNAVAILABLE when no new call should be taken. */
  assertServing(): void {
    if (this.#isDraining) {
      throw new ClusterError('DRAINING', `node ${this.#name} is shutting down`, { retryAfterMs });
    }
    this.assertReachable();
  }

  /** Throws UNAVAILABLE when a call that is under way need not be waited for. */
  assertReachable(): void {
    if (isLong(this.#mysqlDownSince)) throw unavailable('MySQL does not answer');
    if (isLong(this.#redisDownSince)) throw unavailable('Redis does not answer');
  }
}

export function unavailable(message: string, cause?: unknown): ClusterError {
  return new ClusterError('UNAVAILABLE', `${message}; try again in a moment`, {
    cause,
    retryAfterMs,
  });
}

function isLong(downSince: number | null): boolean {
  return downSince !== null && performance.now() - downSince > outageMs;
}
