import assert from 'node:assert';

import type { Actor } from '#actors/actor.ts';

/**
 * An actor in the memory of its owner.
 *
 * Its state runs ahead of the journal while a batch commits; `committedSeq` says how far the journal has followed. Events that
 * are committed and not yet in a history segment wait in `tail`, as the JSON that the journal got.
 */
export class Activation {
  readonly actor: Actor;
  committedSeq: number;
  /** The journal row from which on this actor's snapshot is missing something; null when it is not. */
  firstDirtyLsn: number | null = null;
  /** Events for the next history segment, and the number of the first of them. */
  tail: string[] = [];
  tailFirst: number;
  usedAt: number;
  /** What it is searched by is stored: with its first snapshot, as it never changes. */
  isSearchable: boolean;
  /** It faulted, and is being loaded again: nothing is decided by this copy of it any more. */
  broken = false;

  constructor(actor: Actor, usedAt: number) {
    this.actor = actor;
    this.committedSeq = actor.seq;
    this.tailFirst = actor.seq + 1;
    this.usedAt = usedAt;
    this.isSearchable = actor.seq > 0;
  }

  get id(): string {
    return this.actor.id;
  }

  /** Whether what is in memory is exactly what is in the journal. */
  get isQuiet(): boolean {
    return this.committedSeq === this.actor.seq && !this.broken;
  }

  /** The journal has taken these events, the first of which has this number. */
  committed(first: number, events: readonly string[], lsn: number): void {
    assert(first === this.committedSeq + 1, `S2: the history of ${this.id} has no gap`);
    this.committedSeq += events.length;
    this.tail.push(...events);
    this.firstDirtyLsn ??= lsn;
  }
}
