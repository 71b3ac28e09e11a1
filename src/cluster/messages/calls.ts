import { randomUUID } from 'node:crypto';

import { ClusterError } from '../api.ts';

/** Calls made on this node that wait for an answer from elsewhere. Bounded in number and in time. */
export class Calls<Answer> {
  readonly #limit: number;
  readonly #waiting = new Map<string, (answer: Answer) => void>();

  constructor(limit = 20_000) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Registers a call under a new id. The answer is null when none came in time. Rejects with OVERLOADED when too many wait.
   */
  open(): Call<Answer> {
    if (this.#waiting.size >= this.#limit) {
      throw new ClusterError('OVERLOADED', `${this.#limit} calls are waiting on this node`, {
        retryAfterMs: 1_000,
      });
    }
    const id = randomUUID();
    const { promise, resolve } = Promise.withResolvers<Answer | null>();
    this.#waiting.set(id, resolve);
    return {
      id,
      within: async (ms) => await this.#within(promise, ms),
      close: () => {
        this.#waiting.delete(id);
        resolve(null);
      },
    };
  }

  /** Answers a call; one that is gone, or was answered, is ignored. */
  answer(id: string, answer: Answer): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(answer);
  }

  async #within(promise: Promise<Answer | null>, ms: number): Promise<Answer | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, ms, null);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

export interface Call<Answer> {
  readonly id: string;
  /** The answer, or null when none has come within this time; may be called again to wait on. */
  within(ms: number): Promise<Answer | null>;
  close(): void;
}
