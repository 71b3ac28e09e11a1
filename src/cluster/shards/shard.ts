import type { ActorEvent } from '#actors/actor.ts';
import type { Envelope } from '#actors/message.ts';

import type { Activation } from './activation.ts';
import { Batch } from './batch.ts';

/** A message on its way into a shard. */
export interface Incoming {
  readonly envelope: Envelope;
  /** Its place in the mailbox; null when it came from this process. */
  readonly entryId: string | null;
  /** Read for the first time, by an owner who has seen all that came before: an id in it that is fresh is new. */
  readonly first: boolean;
}

/** A batch's size at which the next one is begun: well under what one statement may carry. */
const batchBytes = 4 * 1024 * 1024;

/**
 * A shard that this node owns: the actors in memory, and the batches on their way to the journal.
 *
 * `loading`: claimed, its open actors are being read. `open`: messages are applied. `closing`: no message is applied any
 * more, what is decided is committed; left by letting go. `gone`: fenced or let go; final.
 *
 * S1 one batch is in flight at a time, in the order of the decisions; S2 an actor's events are committed without a gap;
 * S3 nothing of a batch leaves before it is committed; S4 a gone shard commits, sends and answers nothing.
 */
export class Shard {
  readonly number: number;
  readonly epoch: number;
  mode: 'loading' | 'open' | 'closing' | 'gone' = 'loading';
  lastLsn: number;
  checkpointLsn: number;
  readonly activations = new Map<string, Activation>();
  /** Those whose snapshot is behind the journal. */
  readonly dirty = new Set<Activation>();
  /** Messages for actors that are being read from MySQL. */
  readonly loading = new Map<string, Incoming[]>();
  /** Mailbox entries that are being applied, or are applied and not yet removed. */
  readonly known = new Set<string>();
  /** Up to where the mailbox was read since it was last read from its beginning. */
  cursor: string | null = null;
  /** Whether all that was in the mailbox when it was last read from its beginning has been read. */
  caughtUp = false;
  /** How often it was read from its beginning. */
  rewinds = 0;
  /** Actors that cannot be read, and from which row of the journal on their stored state lacks something; Infinity: nothing. */
  readonly damaged = new Map<string, number>();
  /** Faults of actors since this node owns the shard. */
  readonly faults = new Map<string, number>();
  readonly #batches: Batch[] = [];
  #flying: Batch | null = null;
  #onSettled: (() => void)[] = [];
  readonly #onDropped = new Set<() => void>();

  constructor(number: number, epoch: number, lastLsn: number, checkpointLsn: number) {
    this.number = number;
    this.epoch = epoch;
    this.lastLsn = lastLsn;
    this.checkpointLsn = checkpointLsn;
  }

  /** The mailbox is to be read from its beginning: something may have come back into it. */
  rewind(): void {
    this.cursor = null;
    this.caughtUp = false;
    this.rewinds += 1;
  }

  /** Sets an actor aside that cannot be read: the others are not to wait for it, and no checkpoint is to pass what it lacks. */
  setAside(id: string, lsn: number): void {
    const activation = this.activations.get(id);
    const since = Math.min(
      lsn,
      activation?.firstDirtyLsn ?? Infinity,
      this.damaged.get(id) ?? Infinity,
    );
    this.damaged.set(id, since);
    this.activations.delete(id);
    if (activation !== undefined) this.dirty.delete(activation);
  }

  /** The journal holds these events of an actor, the first of which has this number. */
  committed(activation: Activation, first: number, events: readonly string[], lsn: number): void {
    activation.committed(first, events, lsn);
    this.dirty.add(activation);
  }

  /** Takes over an event that the journal holds: from an owner before, or for an actor that is read again. */
  replay(activation: Activation, event: ActorEvent, lsn: number): void {
    activation.actor.replay(event);
    this.committed(activation, activation.actor.seq, [JSON.stringify(event)], lsn);
  }

  /** The batch that decisions go to. */
  filling(): Batch {
    const last = this.#batches.at(-1);
    if (last !== undefined && last.bytes < batchBytes) return last;
    const next = new Batch();
    this.#batches.push(next);
    return next;
  }

  /** Resolves once all that is decided so far is committed: true; or once the shard is gone: false. */
  async durable(): Promise<boolean> {
    const last = this.#batches.at(-1) ?? this.#flying;
    if (last === null || this.mode === 'gone') return this.mode !== 'gone';
    return await new Promise<boolean>((resolve) => {
      const dropped = (): void => resolve(false);
      this.#onDropped.add(dropped);
      last.afterwards.push(() => {
        this.#onDropped.delete(dropped);
        resolve(true);
      });
    });
  }

  get hasWork(): boolean {
    return this.mode !== 'gone' && this.#flying === null && this.#batches.length > 0;
  }

  /** How much is decided and not yet on its way; mailboxes are left alone while it is much. */
  get pendingBytes(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.bytes, 0);
  }

  /** S1  The next batch takes off. */
  takeOff(): Batch {
    const batch = this.#batches.shift();
    if (batch === undefined || this.#flying !== null) throw new Error('S1: one batch at a time');
    this.#flying = batch;
    return batch;
  }

  landed(): void {
    this.#flying = null;
    if (this.#batches.length === 0) this.#settle();
  }

  /** Resolves when all that was decided is committed, or the shard is gone. */
  async settled(): Promise<void> {
    if (this.mode === 'gone' || (this.#flying === null && this.#batches.length === 0)) return;
    await new Promise<void>((resolve) => {
      this.#onSettled.push(resolve);
    });
  }

  /** S4  Forgets everything that was not committed. */
  drop(): void {
    this.mode = 'gone';
    this.#batches.length = 0;
    this.activations.clear();
    this.dirty.clear();
    this.loading.clear();
    for (const dropped of this.#onDropped) dropped();
    this.#onDropped.clear();
    this.#settle();
  }

  #settle(): void {
    const waiting = this.#onSettled;
    this.#onSettled = [];
    for (const resolve of waiting) resolve();
  }
}
