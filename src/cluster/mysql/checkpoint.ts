import { isLockFailure } from './failures.ts';
import type { HistorySegment } from './history.ts';
import { type Pool, tuples, type Value } from './pool.ts';
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
 * P1  A stored snapshot is only ever replaced by one with a greater seq; so a late writer does no harm.
 * P2  `checkpoint_lsn` only ever rises, and only by the owner; it rises after what it stands for is stored.
 * P3  Each step may be repeated, alone or after a crash in between.
 * P4  What a snapshot stands for is stored before it: its history, which a successor would not write again, as it takes up
 *     the journal after the snapshot; and its tags, which are written with an actor's first snapshot alone.
 */
export class Checkpoints {
  readonly #pool: () => Promise<Pool>;

  constructor(pool: () => Promise<Pool>) {
    this.#pool = pool;
  }

  async write(
    snapshots: readonly Snapshot[],
    segments: readonly HistorySegment[],
    advances: readonly Advance[],
  ): Promise<void> {
    const pool = await this.#pool();
    for (const chunk of chunksOf(segments, sizeOfSegment)) {
      await send(pool, segmentSql(chunk.length), chunk.flatMap(segmentValues));
    }
    for (const chunk of chunksOf(snapshots.flatMap(tagsOf), () => 0)) {
      await send(pool, tagSql(chunk.length), chunk.flat());
    }
    for (const chunk of chunksOf(snapshots, sizeOfSnapshot)) {
      await send(pool, upsertSql(chunk.length), chunk.flatMap(snapshotValues));
    }
    // In the order of shards, as commits lock them.
    const sorted = advances.toSorted((a, b) => a.shard - b.shard);
    for (const chunk of chunksOf(sorted, () => 0)) {
      await send(
        pool,
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

/**
 * Measured, 500 snapshots, MariaDB 10.11 | MySQL 9.7 on two busy shared cores, in ms and ms of our CPU:
 *   of 400 bytes  prepared 38, 4 | 52, 5    `em.getConnection().execute`  81, 17 |  90, 13
 *   of 2 kB       prepared 71, 5 | 81, 6    (values in the SQL text)     275, 93 | 381, 112
 * `em.upsertMany` takes four times as long as the latter on an idle machine.
 */
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

function tagsOf({ shard, id, createdAt, tags = {} }: Snapshot): readonly Value[][] {
  return Object.entries(tags).map(([name, value]) => [shard, id, name, value, createdAt]);
}

/** Tags never change. Not INSERT IGNORE, which would also cut short what is too long. */
function tagSql(rows: number): string {
  return `INSERT INTO tag (shard_id, id, name, value, created_at) VALUES ${tuples(rows, 5)}
    ON DUPLICATE KEY UPDATE created_at = tag.created_at`;
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

async function send(pool: Pool, sql: string, values: readonly Value[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pool.execute(sql, values);
      return;
    } catch (error) {
      if (!isLockFailure(error) || attempt === attemptLimit) throw error;
    }
  }
}

const attemptLimit = 5;
const chunkRows = 512;
const chunkBytes = 4 * 1024 * 1024;

/**
 * Chunks that a statement can take. Their lengths are powers of two, so that ten prepared statements are enough for all: the
 * last chunk is filled up by its last item once more, which changes nothing as every step may be repeated.
 */
export function* chunksOf<T>(
  items: readonly T[],
  size: (item: T) => number,
): Generator<readonly T[]> {
  for (let from = 0; from < items.length;) {
    let bytes = 0;
    let fitting = 0;
    for (const item of items.slice(from, from + chunkRows)) {
      bytes += size(item);
      if (fitting > 0 && bytes > chunkBytes) break;
      fitting += 1;
    }
    const whole = 2 ** Math.floor(Math.log2(fitting));
    yield items.slice(from, from + whole);
    from += whole;
    // What is left of a chunk is one more statement, not one for each power of two in it.
    const rest = fitting - whole;
    const last = items[from + rest - 1];
    if (rest > 0 && last !== undefined) {
      const filled = 2 ** Math.ceil(Math.log2(rest));
      yield [...items.slice(from, from + rest), ...Array<T>(filled - rest).fill(last)];
      from += rest;
    }
  }
}

function sizeOfSnapshot({ data, failure }: Snapshot): number {
  return Buffer.byteLength(data) + (failure === null ? 0 : Buffer.byteLength(failure)) + 256;
}

function sizeOfSegment({ events }: HistorySegment): number {
  return Buffer.byteLength(events) + 64;
}
