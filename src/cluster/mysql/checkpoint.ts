import { isLockFailure } from './failures.ts';
import type { HistorySegment } from './history.ts';
import type { EntityManager } from './orm.ts';
import { tuples, type Value } from './pool.ts';
import type { Snapshot } from './snapshots.ts';

/** All that is in a shard's journal up to this lsn is in snapshots and history now. */
export interface Advance {
  readonly shard: number;
  readonly epoch: number;
  readonly lsn: number;
}

/**
 * Writes behind the journal, through MikroORM's connection.
 *
 * K1  A stored snapshot is only ever replaced by one with a greater seq; so a late writer does no harm.
 * K2  `checkpoint_lsn` only ever rises, and only by the owner; it rises after what it stands for is stored.
 * K3  Each step may be repeated, alone or after a crash in between.
 */
export class Checkpoints {
  readonly #em: () => Promise<EntityManager>;

  constructor(em: () => Promise<EntityManager>) {
    this.#em = em;
  }

  async write(
    snapshots: readonly Snapshot[],
    segments: readonly HistorySegment[],
    advances: readonly Advance[],
  ): Promise<void> {
    const em = await this.#em();
    for (const chunk of chunksOf(snapshots, sizeOfSnapshot)) {
      await run(em, upsertSql(chunk.length), chunk.flatMap(snapshotValues));
    }
    for (const chunk of chunksOf(segments, sizeOfSegment)) {
      await run(em, segmentSql(chunk.length), chunk.flatMap(segmentValues));
    }
    // In the order of shards, as commits lock them.
    const sorted = advances.toSorted((a, b) => a.shard - b.shard);
    for (const chunk of chunksOf(sorted, () => 0)) {
      await run(
        em,
        advanceSql(chunk.length),
        chunk.flatMap(({ shard, epoch, lsn }) => [shard, epoch, lsn]),
      );
    }
  }
}

const columns = [
  'shard_id',
  'id',
  'kind',
  'name',
  'version',
  'state',
  'is_open',
  'due_at',
  'data',
  'failure',
  'created_at',
  'started_at',
  'ended_at',
  // The last one, because MySQL and MariaDB assign from left to right and the guard compares it.
  'seq',
];

/** Measured against `em.upsertMany`, 500 rows: 9 to 25 ms instead of 35 to 65. */
function upsertSql(rows: number): string {
  const raised = columns
    .slice(2)
    .map((name) => `${name} = IF(VALUES(seq) > actor.seq, VALUES(${name}), actor.${name})`);
  return `INSERT INTO actor (${columns.join(', ')}) VALUES ${tuples(rows, columns.length)}
    ON DUPLICATE KEY UPDATE ${raised.join(', ')}`;
}

function snapshotValues(snapshot: Snapshot): Value[] {
  return [
    snapshot.shard,
    snapshot.id,
    snapshot.kind,
    snapshot.name,
    snapshot.version,
    snapshot.state,
    snapshot.open ? 1 : 0,
    snapshot.dueAt,
    snapshot.data,
    snapshot.failure,
    snapshot.createdAt,
    snapshot.startedAt,
    snapshot.endedAt,
    snapshot.seq,
  ];
}

/**
 * Not INSERT IGNORE: a new owner may have cut the same journal so that a segment begins alike but is longer; the longer one
 * has all that the shorter one has.
 */
function segmentSql(rows: number): string {
  return `INSERT INTO history (shard_id, id, first_seq, events, last_seq) VALUES ${tuples(rows, 5)}
    ON DUPLICATE KEY UPDATE
      events = IF(VALUES(last_seq) > history.last_seq, VALUES(events), history.events),
      last_seq = GREATEST(history.last_seq, VALUES(last_seq))`;
}

function segmentValues({ shard, id, firstSeq, lastSeq, events }: HistorySegment): Value[] {
  return [shard, id, firstSeq, events, lastSeq];
}

function advanceSql(rows: number): string {
  const one =
    'SELECT CAST(? AS UNSIGNED) AS shard_id, CAST(? AS UNSIGNED) AS epoch, CAST(? AS UNSIGNED) AS lsn';
  return `UPDATE shard s JOIN (${`${one} UNION ALL `.repeat(rows - 1)}${one}) a
      ON s.shard_id = a.shard_id AND s.epoch = a.epoch
    SET s.checkpoint_lsn = GREATEST(s.checkpoint_lsn, a.lsn)`;
}

async function run(em: EntityManager, sql: string, values: readonly Value[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await em.getConnection().execute(sql, [...values], 'run');
      return;
    } catch (error) {
      if (!isLockFailure(error) || attempt === 5) throw error;
    }
  }
}

const chunkRows = 500;
const chunkBytes = 4 * 1024 * 1024;

function* chunksOf<T>(items: readonly T[], size: (item: T) => number): Generator<readonly T[]> {
  let chunk: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = size(item);
    if (chunk.length === chunkRows || (chunk.length > 0 && bytes + more > chunkBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(item);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}

function sizeOfSnapshot({ data, failure }: Snapshot): number {
  return Buffer.byteLength(data) + (failure === null ? 0 : Buffer.byteLength(failure)) + 256;
}

function sizeOfSegment({ events }: HistorySegment): number {
  return Buffer.byteLength(events) + 64;
}
