import { WorkflowActor } from '#actors/actor.ts';

import { Duty } from '../duty.ts';
import type { Checkpoints } from '../mysql/checkpoint.ts';
import type { HistorySegment } from '../mysql/history.ts';
import type { Snapshot } from '../mysql/snapshots.ts';
import type { Notices } from '../notices.ts';
import type { Activation } from './activation.ts';
import type { Engine } from './engine.ts';
import type { Shard } from './shard.ts';

const restMs = 200;
/** Under load a round takes this long at least: a workflow that lives shorter is then written once. */
const busyRestMs = 700;
const busySnapshots = 200;
const snapshotsPerRound = 4_000;
/** A segment of history is complete when it is this long; one event may add 15 MiB, and its column holds 16. */
const segmentBytes = 256 * 1024;
/** How often actors are looked for that have had nothing to do for long, as a part of that time. */
const idleRounds = 6;

/**
 * Writes snapshots and history behind the journal, and lets go of actors that are done.
 *
 * K1 only states that the journal holds are written: an actor that is ahead of it waits for the next round; K2 a shard's
 * checkpoint moves only past rows whose effects are in snapshots; K3 an actor leaves memory only when its snapshot is whole;
 * K4 one round at a time: what a round is still writing looks clean to another, which would move the checkpoint past it.
 */
export class Checkpointer {
  readonly #engine: Engine;
  readonly #checkpoints: Checkpoints;
  readonly #notices: Notices;
  readonly #duty: Duty;
  readonly #idleDuty: Duty;
  readonly #idleMs: number;
  readonly #isWatched: (id: string) => boolean;
  #busy = false;
  #last: Promise<void> = Promise.resolve();

  /** An actor with nothing to do is kept in memory for `idleMs`, and as long as it is watched. */
  constructor(
    engine: Engine,
    checkpoints: Checkpoints,
    notices: Notices,
    idle: { readonly idleMs: number; isWatched(id: string): boolean },
  ) {
    this.#engine = engine;
    this.#checkpoints = checkpoints;
    this.#notices = notices;
    this.#idleMs = idle.idleMs;
    this.#isWatched = (id) => idle.isWatched(id);
    this.#duty = new Duty('checkpoint', restMs, notices, async () => {
      await this.#round([...engine.shards.values()]);
      if (this.#busy) await new Promise((resolve) => setTimeout(resolve, busyRestMs));
    });
    this.#idleDuty = new Duty(
      'let idle actors go',
      this.#idleMs / idleRounds,
      notices,
      async () => {
        await this.#inTurn(async () => this.#evictIdle());
      },
    );
  }

  start(): void {
    this.#duty.start();
    this.#idleDuty.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#duty.stop(), this.#idleDuty.stop()]);
  }

  /** Writes everything of these shards, which must not decide any more. */
  async flush(shards: readonly Shard[]): Promise<void> {
    let left = shards;
    while (left.length > 0) {
      await this.#round(left);
      left = left.filter(({ dirty }) => [...dirty].some(({ isQuiet }) => isQuiet));
    }
  }

  async #round(shards: readonly Shard[]): Promise<void> {
    await this.#inTurn(async () => await this.#write(shards));
  }

  /** K4  What is being written looks clean, and is not to be let go before it is stored either. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    await turn;
  }

  async #write(shards: readonly Shard[]): Promise<void> {
    const startedAt = performance.now();
    const work = collect(shards.filter(({ mode }) => mode !== 'gone'));
    this.#busy = work.snapshots.length >= busySnapshots;
    if (work.snapshots.length > 0 || work.advances.length > 0) {
      try {
        await this.#checkpoints.write(work.snapshots, work.segments, work.advances);
      } catch (error) {
        for (const { shard, activation, lsn } of work.written) {
          activation.firstDirtyLsn = Math.min(lsn, activation.firstDirtyLsn ?? lsn);
          if (shard.activations.get(activation.id) === activation) shard.dirty.add(activation);
        }
        throw error;
      }
      for (const { shard, activation, events } of work.written) {
        activation.tail.splice(0, events);
        activation.tailFirst += events;
        activation.isSearchable = true;
        if (activation.actor.closed) this.#letGo(shard, activation);
      }
      for (const { shard, lsn } of work.moved) shard.checkpointLsn = lsn;
      this.#notices.emit('checkpoint.written', {
        snapshots: work.snapshots.length,
        ms: performance.now() - startedAt,
      });
    }
  }

  #evictIdle(): void {
    const idleBefore = Date.now() - this.#idleMs;
    for (const shard of this.#engine.shards.values()) {
      for (const activation of shard.activations.values()) {
        const idle = activation.usedAt < idleBefore && activation.actor.workOut().length === 0;
        if (idle && !this.#isWatched(activation.id)) this.#letGo(shard, activation);
      }
    }
  }

  // K3
  #letGo(shard: Shard, activation: Activation): void {
    const current = shard.activations.get(activation.id) === activation;
    if (!current || activation.firstDirtyLsn !== null || !activation.isQuiet) return;
    shard.activations.delete(activation.id);
    if (activation.actor.closed) this.#engine.timers.disarm(activation.id);
  }
}

interface Work {
  readonly snapshots: Snapshot[];
  readonly segments: HistorySegment[];
  readonly advances: { shard: number; epoch: number; lsn: number }[];
  readonly moved: { shard: Shard; lsn: number }[];
  readonly written: { shard: Shard; activation: Activation; lsn: number; events: number }[];
}

/** What can be written now. Takes the dirty mark off what it collects: a commit from now on sets it again. */
function collect(shards: readonly Shard[]): Work {
  const work: Work = { snapshots: [], segments: [], advances: [], moved: [], written: [] };
  for (const shard of shards) {
    let upTo = Math.min(shard.lastLsn, ...[...shard.damaged.values()].map((lsn) => lsn - 1));
    for (const activation of shard.dirty) {
      const lsn = activation.firstDirtyLsn;
      if (lsn === null) continue;
      if (!activation.isQuiet || work.snapshots.length >= snapshotsPerRound) {
        upTo = Math.min(upTo, lsn - 1);
        continue;
      }
      activation.firstDirtyLsn = null;
      shard.dirty.delete(activation);
      work.written.push({ shard, activation, lsn, events: activation.tail.length });
      work.snapshots.push(snapshotOf(shard, activation));
      work.segments.push(...segmentsOf(shard, activation));
    }
    if (upTo > shard.checkpointLsn) {
      work.advances.push({ shard: shard.number, epoch: shard.epoch, lsn: upTo });
      work.moved.push({ shard, lsn: upTo });
    }
  }
  return work;
}

function snapshotOf(shard: Shard, { actor, isSearchable }: Activation): Snapshot {
  return {
    shard: shard.number,
    id: actor.id,
    kind: actor.kind,
    seq: actor.seq,
    dueAt: actor.dueAt(),
    data: JSON.stringify(actor.state),
    ...actor.summary(),
    ...(isSearchable || !(actor instanceof WorkflowActor) || actor.state === null
      ? {}
      : { tags: actor.state.tags }),
  };
}

/** Mostly one; so many that each fits into its column, whatever happened since the last round. */
function segmentsOf(shard: Shard, { id, tail, tailFirst }: Activation): readonly HistorySegment[] {
  const segments: HistorySegment[] = [];
  let events: string[] = [];
  let bytes = 0;
  for (const [index, event] of tail.entries()) {
    const seq = tailFirst + index;
    events.push(`{"seq":${seq},"event":${event}}`);
    bytes += event.length;
    if (bytes < segmentBytes && index < tail.length - 1) continue;
    const firstSeq = seq - events.length + 1;
    segments.push({
      shard: shard.number,
      id,
      firstSeq,
      lastSeq: seq,
      events: `[${events.join(',')}]`,
    });
    events = [];
    bytes = 0;
  }
  return segments;
}
