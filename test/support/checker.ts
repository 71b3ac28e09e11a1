import { expect } from 'chai';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

import type { ActorEvent, JournalEntry } from '#actors/actor.ts';

/** All that the cluster has committed, read from MySQL itself. */
export interface Committed {
  readonly rows: readonly {
    readonly shard: number;
    readonly lsn: number;
    readonly epoch: number;
  }[];
  /** By actor, in the order of the journal. */
  readonly events: ReadonlyMap<string, readonly ActorEvent[]>;
}

/**
 * Reads the journal and checks what must hold whatever was done to nodes and servers: no gap and no repeat in the rows of a
 * shard, epochs that only rise, and for each actor one history without a gap or a repeat.
 */
export async function checkJournal(mysql: string): Promise<Committed> {
  const connection = await createConnection(mysql);
  try {
    const [found] = await connection.query<RowDataPacket[]>(
      'SELECT shard_id, lsn, epoch, records FROM journal ORDER BY shard_id, lsn',
    );
    const rows = found.map((row) => ({
      shard: Number(row['shard_id']),
      lsn: Number(row['lsn']),
      epoch: Number(row['epoch']),
    }));
    for (const [index, { shard, lsn, epoch }] of rows.entries()) {
      const before = rows[index - 1];
      const isFirst = before?.shard !== shard;
      expect(lsn, `lsn chain of shard ${shard}`).to.equal(isFirst ? 1 : before.lsn + 1);
      if (!isFirst) expect(epoch, `epochs of shard ${shard}`).to.be.at.least(before.epoch);
    }
    const events = new Map<string, ActorEvent[]>();
    for (const row of found) {
      const entries: JournalEntry[] = JSON.parse(String(row['records']));
      for (const { actor, first, events: more } of entries) {
        const own = events.get(actor) ?? [];
        expect(first, `history of ${actor}`).to.equal(own.length + 1);
        own.push(...more);
        events.set(actor, own);
      }
    }
    return { rows, events };
  } finally {
    await connection.end();
  }
}

/** Each of these was accepted once, ended once as completed, and has one output of each of its steps. */
export function checkCompletedOnce(
  { events }: Committed,
  ids: readonly string[],
  steps: number,
): void {
  for (const id of ids) {
    const types = (events.get(id) ?? []).map(({ type }) => type);
    const count = (type: string): number => types.filter((one) => one === type).length;
    expect(count('workflow.accepted'), `${id} accepted`).to.equal(1);
    expect(count('task.completed'), `steps of ${id}`).to.equal(steps);
    expect(count('workflow.completed'), `${id} completed`).to.equal(1);
    expect(types.at(-1)).to.equal('workflow.completed');
    const done = (events.get(id) ?? []).flatMap((event) =>
      event.type === 'task.completed' ? [event.step] : [],
    );
    expect(new Set(done).size, `steps of ${id} applied once`).to.equal(steps);
  }
}

/** Stored history of an actor: the numbers of its events, each once. */
export async function storedHistory(mysql: string, id: string): Promise<readonly number[]> {
  const connection = await createConnection(mysql);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT events FROM history WHERE id = ? ORDER BY first_seq',
      [id],
    );
    const seqs = rows.flatMap((row) => {
      const events: { seq: number }[] = JSON.parse(String(row['events']));
      return events.map(({ seq }) => seq);
    });
    return [...new Set(seqs)].toSorted((a, b) => a - b);
  } finally {
    await connection.end();
  }
}
