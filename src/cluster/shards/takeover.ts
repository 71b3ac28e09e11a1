import type { JournalEntry } from '#actors/actor.ts';

import type { Claimed } from '../mysql/claims.ts';
import { isPassing } from '../mysql/failures.ts';
import type { Journal } from '../mysql/journal.ts';
import type { Snapshot, Snapshots } from '../mysql/snapshots.ts';
import type { Notices } from '../notices.ts';
import { Activation } from './activation.ts';
import type { Engine } from './engine.ts';
import { Shard } from './shard.ts';

/** Actors that want to be woken within this time are read at once; the rest when their time comes nearer. */
export const wakeWindowMs = 10 * 60_000;

/**
 * Brings claimed shards into memory: the snapshots of all open actors, then what the journal holds beyond the checkpoint.
 * The claim has waited for the commits of the owner before, so nothing can be added to what is read here.
 */
export async function loadShards(
  claimed: readonly Claimed[],
  parts: { engine: Engine; snapshots: Snapshots; journal: Journal; notices: Notices },
): Promise<readonly Shard[]> {
  const { engine, snapshots, journal, notices } = parts;
  const shards = new Map(
    claimed.map(({ shard, epoch, lsn, checkpointLsn }) => [
      shard,
      new Shard(shard, epoch, lsn, checkpointLsn),
    ]),
  );
  /** An actor that cannot be read is set aside: the others of its shard, and all other shards, are not to wait for it. */
  const orSetAside = async (
    shard: Shard,
    id: string,
    lsn: number,
    work: () => Promise<void>,
  ): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (isPassing(error)) throw error;
      shard.setAside(id, lsn);
      notices.emit('actor.faulted', { id, error, parked: true });
    }
  };
  const activate = async (snapshot: Snapshot): Promise<void> => {
    const { id } = snapshot;
    const shard = shards.get(snapshot.shard);
    if (shard === undefined) return;
    await orSetAside(shard, id, Infinity, async () => {
      const actor = await engine.loader.restore(snapshot);
      if (actor === null) throw new Error(`nobody knows the definition of ${id}`);
      shard.activations.set(id, new Activation(actor, Date.now()));
    });
  };
  for await (const page of snapshots.open([...shards.keys()])) {
    for (const snapshot of page) await activate(snapshot);
  }
  const tail = await journal.tail(
    claimed
      .filter(({ lsn, checkpointLsn }) => lsn > checkpointLsn)
      .map(({ shard, checkpointLsn }) => ({ shard, lsn: checkpointLsn })),
  );
  const entries = tail.flatMap(({ shard, lsn, records }) => {
    const parsed: JournalEntry[] = JSON.parse(records);
    return parsed.map((entry) => ({ shard, lsn, entry }));
  });
  await loadClosed(entries, shards, snapshots, activate);
  for (const { shard, lsn, entry } of entries) {
    const owned = shards.get(shard);
    if (owned?.damaged.has(entry.actor)) owned.setAside(entry.actor, lsn);
    else if (owned !== undefined) {
      await orSetAside(
        owned,
        entry.actor,
        lsn,
        async () => await replay(owned, lsn, entry, engine),
      );
    }
  }
  for (const due of await snapshots.due([...shards.keys()], Date.now() + wakeWindowMs, 100_000)) {
    engine.timers.arm(due.id, due.dueAt);
  }
  return [...shards.values()];
}

/** Actors that the journal speaks of and that were not open at the checkpoint. */
async function loadClosed(
  entries: readonly { shard: number; entry: JournalEntry }[],
  shards: ReadonlyMap<number, Shard>,
  snapshots: Snapshots,
  activate: (snapshot: Snapshot) => Promise<void>,
): Promise<void> {
  const missing = new Map<string, number>();
  for (const { shard, entry } of entries) {
    if (!shards.get(shard)?.activations.has(entry.actor)) missing.set(entry.actor, shard);
  }
  const found = await snapshots.load([...missing].map(([id, shard]) => ({ shard, id })));
  for (const snapshot of found) await activate(snapshot);
}

async function replay(
  shard: Shard,
  lsn: number,
  { actor: id, first, events }: JournalEntry,
  engine: Engine,
): Promise<void> {
  let activation = shard.activations.get(id);
  if (activation === undefined) {
    const begun = events[0];
    const definition = begun?.type === 'workflow.accepted' ? begun : { name: '', version: '' };
    const actor = await engine.loader.create(id, definition.name, definition.version);
    if (actor === null) throw new Error(`the journal has an actor that nobody can make: ${id}`);
    activation = new Activation(actor, Date.now());
    shard.activations.set(id, activation);
  }
  for (const [index, event] of events.entries()) {
    // The snapshot may be ahead of the checkpoint: what it holds already is passed over.
    if (first + index === activation.committedSeq + 1) shard.replay(activation, event, lsn);
  }
}
