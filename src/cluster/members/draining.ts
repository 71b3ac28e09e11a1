import type { Background } from '../background.ts';
import type { QueueWorker } from '../tasks/queue-worker.ts';
import type { Membership } from './membership.ts';
import type { Ownership } from './ownership.ts';
import type { Presence } from './presence.ts';

/**
 * Takes this node out of the cluster's work at the word of an operator, and lets it take part again: it hands its shards over
 * and takes no new work, while what runs goes on, its door answers, and its process lives.
 */
export class Draining {
  readonly #presence: Presence;
  readonly #membership: Membership;
  readonly #ownership: Ownership;
  readonly #queueWorker: QueueWorker;
  readonly #background: Background;
  /** What is under way, so that an order waits for the one before. */
  #last: Promise<void> = Promise.resolve();

  constructor(parts: {
    presence: Presence;
    membership: Membership;
    ownership: Ownership;
    queueWorker: QueueWorker;
    background: Background;
  }) {
    this.#presence = parts.presence;
    this.#membership = parts.membership;
    this.#ownership = parts.ownership;
    this.#queueWorker = parts.queueWorker;
    this.#background = parts.background;
  }

  /** Resolves once all others can see it, before the shards have moved; false when no other node would take them. */
  async drain(): Promise<boolean> {
    const presence = this.#presence;
    if (presence.isDrained) return true;
    if (!this.#othersTakeShards()) return false;
    presence.isDrained = true;
    try {
      await this.#membership.tell();
      // Two that are drained at once each see the other by now, and one of them stays.
      if (!this.#othersTakeShards()) {
        await this.#takePart();
        return false;
      }
    } catch (error) {
      presence.isDrained = false;
      throw error;
    }
    this.#next('drain', async () => {
      await this.#queueWorker.drain();
      await this.#ownership.drain();
    });
    return true;
  }

  async undrain(): Promise<void> {
    if (this.#presence.isDrained) await this.#takePart();
  }

  async #takePart(): Promise<void> {
    const presence = this.#presence;
    presence.isDrained = false;
    this.#next('take part again', async () => {
      if (presence.takesWork) this.#queueWorker.start();
      if (presence.takesShards) this.#ownership.resume();
    });
    await this.#membership.tell();
  }

  #next(duty: string, work: () => Promise<void>): void {
    const before = this.#last;
    const next = before.catch(() => {}).then(work);
    this.#last = next;
    this.#background.run(duty, async () => await next);
  }

  #othersTakeShards(): boolean {
    const { id, wantsShards } = this.#presence;
    if (!wantsShards) return true;
    return this.#membership
      .live()
      .some((member) => member.id !== id && member.info.takesShards && !member.info.draining);
  }
}
