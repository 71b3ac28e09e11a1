import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Availability } from './availability.ts';
import { isConnectionFailure, isDuplicate, isPassing } from './failures.ts';
import { list, type Pool, tuples, type Value } from './pool.ts';
import { int, type Row, text } from './row.ts';

/** One row of the journal: what a shard's actors did, in one commit. */
export interface Batch {
  readonly shard: number;
  readonly lsn: number;
  readonly epoch: number;
  /** 16 hexadecimal digits, never used for another batch: by it a batch that was sent twice is recognised. */
  readonly batchId: string;
  readonly entries: number;
  /** JSON text. */
  readonly records: string;
}

/** By shard. A fenced shard has another owner, or another batch at this lsn: drop its state, never send it again. */
export interface CommitResult {
  readonly committed: ReadonlySet<number>;
  readonly fenced: ReadonlySet<number>;
}

export interface JournalRow extends Batch {
  readonly at: number;
}

/**
 * The commit point of the whole system.
 *
 * J1  A batch is stored only while its shard has the batch's epoch.
 * J2  A batch is stored once, however often it is sent; of two batches with one lsn, one is stored.
 * J3  What is reported as committed is durable. What is reported as fenced is not stored and never will be.
 */
export class Journal {
  readonly #lanes: Pool;
  readonly #reads: Pool;
  readonly #availability: Availability;
  readonly #signal: AbortSignal;

  constructor(lanes: Pool, reads: Pool, availability: Availability, signal: AbortSignal) {
    this.#lanes = lanes;
    this.#reads = reads;
    this.#availability = availability;
    this.#signal = signal;
  }

  /**
   * Resolves once the fate of each batch is known, however long MySQL is away; rejects when the store is closed meanwhile
   * (the fate is then unknown) and on errors that waiting does not heal. One batch per shard.
   */
  async commit(batches: readonly Batch[]): Promise<CommitResult> {
    const committed = new Set<number>();
    const fenced = new Set<number>();
    // In the order of shards, so that two statements that share shards cannot wait for each other in a circle.
    const sorted = batches.toSorted((a, b) => a.shard - b.shard);
    for (const [index, batch] of sorted.entries()) {
      assert(batch.shard !== sorted[index - 1]?.shard, `two batches of shard ${batch.shard}`);
      assert(/^[0-9a-f]{16}$/.test(batch.batchId), `no batch id: ${batch.batchId}`);
    }
    await Promise.all(groupsOf(sorted).map((group) => this.#commitGroup(group, committed, fenced)));
    return { committed, fenced };
  }

  /** Rows after the given lsn of each shard, in the order of shard and lsn. */
  async tail(after: readonly { shard: number; lsn: number }[]): Promise<readonly JournalRow[]> {
    const rows: JournalRow[] = [];
    for (let from = 0; from < after.length; from += 64) {
      const chunk = after.slice(from, from + 64);
      const found = await this.#reads.rows(
        `SELECT shard_id, lsn, epoch, HEX(batch_id) AS batch_id, entries, records, at FROM journal
         WHERE ${chunk.map(() => '(shard_id = ? AND lsn > ?)').join(' OR ')}`,
        chunk.flatMap(({ shard, lsn }) => [shard, lsn]),
      );
      rows.push(...found.map(decode));
    }
    return rows.toSorted((a, b) => a.shard - b.shard || a.lsn - b.lsn);
  }

  /** Deletes rows that a checkpoint covers and that are older than the retention; resolves to their number. */
  async trim(
    shards: readonly number[],
    { retentionMs = 10 * 60_000, chunk = 1_000 }: { retentionMs?: number; chunk?: number } = {},
  ): Promise<number> {
    let trimmed = 0;
    for (const shard of shards) {
      for (let deleted = chunk; deleted === chunk; trimmed += deleted) {
        deleted = await this.#reads.run(
          `DELETE FROM journal WHERE shard_id = ?
             AND lsn <= (SELECT checkpoint_lsn FROM shard WHERE shard_id = ?)
             AND at < ${serverNow} - ?
           ORDER BY lsn LIMIT ?`,
          [shard, shard, retentionMs, chunk],
        );
      }
    }
    return trimmed;
  }

  async #commitGroup(
    group: readonly Batch[],
    committed: Set<number>,
    fenced: Set<number>,
  ): Promise<void> {
    const inserted = await this.#untilAnswered(() => this.#insert(group));
    if (inserted === group.length) {
      for (const { shard } of group) committed.add(shard);
      return;
    }
    // A duplicate key undoes the whole statement: so each batch by itself, in order.
    if (inserted === 'duplicate' && group.length > 1) {
      for (const batch of group) await this.#commitGroup([batch], committed, fenced);
      return;
    }
    const stored = await this.#untilAnswered(() => this.#storedIds(group));
    for (const batch of group) {
      const found = stored.get(batch.shard);
      if (found === batch.batchId) committed.add(batch.shard);
      // The row that was in the way has gone: its transaction was undone after we met it.
      else if (found === undefined && inserted === 'duplicate') {
        await this.#commitGroup([batch], committed, fenced);
      } else fenced.add(batch.shard);
    }
  }

  async #insert(group: readonly Batch[]): Promise<number | 'duplicate'> {
    try {
      return await this.#lanes.execute(insertSql(group.length), insertValues(group), this.#signal);
    } catch (error) {
      if (isDuplicate(error)) return 'duplicate';
      throw error;
    }
  }

  // After an insert that found no shard with its epoch no earlier attempt can still be under way: it either committed
  // before the epoch rose, as the rise waits for it, or will find the new epoch. So what is read here is final.
  async #storedIds(group: readonly Batch[]): Promise<ReadonlyMap<number, string>> {
    const rows = await this.#lanes.rows(
      `SELECT shard_id, HEX(batch_id) AS batch_id FROM journal
       WHERE (shard_id, lsn) IN (${tuples(group.length, 2)}) LOCK IN SHARE MODE`,
      group.flatMap(({ shard, lsn }) => [shard, lsn]),
    );
    return new Map(rows.map((row) => [int(row, 'shard_id'), text(row, 'batch_id').toLowerCase()]));
  }

  async #untilAnswered<T>(send: () => Promise<T>): Promise<T> {
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        const answer = await send();
        this.#availability.answered();
        return answer;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        if (isConnectionFailure(error)) this.#availability.failed(error);
        await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.#signal });
      }
    }
  }
}

/** One clock for the age of rows: the server's. */
const serverNow = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';

const columns = 'shard_id, lsn, epoch, batch_id, entries, records, at';

/**
 * The fence, the compare-and-set and the append in one autocommit statement. LOCK IN SHARE MODE is what fences: without it
 * the shard's row is read from a snapshot and a stale owner commits. MariaDB does not know FOR SHARE.
 *
 * The records come by ELT instead of through the derived table. As a column of it they make a temporary table with blobs,
 * which costs twice as much and which MariaDB 10.11 cannot handle in a prepared statement whose values grow ("Table file
 * is corrupted"). Measured, 2 shared cores, batches of 3.2 kB, statements of 16 batches, batches/s with query | execute:
 *   MariaDB 10.11  derived 4490 | 10040   this 5569 | 14135      MySQL 9.7  derived 3771 | 6941   this 2723 | 3844 to 7500
 * One batch of 51 kB: query 352/s and 1.5 ms of our CPU (escaping), execute 1176/s and 0.2 ms. So: execute.
 */
function insertSql(count: number): string {
  if (count === 1) {
    return `INSERT INTO journal (${columns})
      SELECT shard_id, ?, epoch, UNHEX(?), ?, ?, ${serverNow} FROM shard
      WHERE shard_id = ? AND epoch = ? LOCK IN SHARE MODE`;
  }
  const rows = Array.from(
    { length: count },
    (_, index) =>
      `SELECT ${index + 1} AS n, CAST(? AS UNSIGNED) AS shard_id, CAST(? AS UNSIGNED) AS lsn, CAST(? AS UNSIGNED) AS epoch,
       ? AS batch_id, ? AS entries`,
  );
  return `INSERT INTO journal (${columns})
    SELECT j.shard_id, j.lsn, j.epoch, UNHEX(j.batch_id), j.entries, ELT(j.n, ${list(count).slice(1, -1)}), ${serverNow}
    FROM (${rows.join(' UNION ALL ')}) j
    JOIN shard s ON s.shard_id = j.shard_id AND s.epoch = j.epoch
    LOCK IN SHARE MODE`;
}

function insertValues(group: readonly Batch[]): readonly Value[] {
  const [first] = group;
  if (group.length === 1 && first !== undefined) {
    const { lsn, batchId, entries, records, shard, epoch } = first;
    return [lsn, batchId, entries, records, shard, epoch];
  }
  return [
    ...group.map(({ records }) => records),
    ...group.flatMap(({ shard, lsn, epoch, batchId, entries }) => [
      shard,
      lsn,
      epoch,
      batchId,
      entries,
    ]),
  ];
}

// 64 batches of 400 bytes commit at 50 k batches/s, and 256 are no faster.
const groupRows = 64;
const groupBytes = 8 * 1024 * 1024;
// MEDIUMBLOB holds 16 MiB - 1, and max_allowed_packet is at least 16 MiB.
const recordsLimit = 15 * 1024 * 1024;

function groupsOf(batches: readonly Batch[]): readonly (readonly Batch[])[] {
  const groups: Batch[][] = [];
  let bytes = 0;
  for (const batch of batches) {
    const size = Buffer.byteLength(batch.records);
    if (size > recordsLimit) {
      throw new RangeError(
        `a batch of shard ${batch.shard} has ${size} bytes, more than ${recordsLimit}`,
      );
    }
    const group = groups.at(-1);
    if (group === undefined || group.length === groupRows || bytes + size > groupBytes) {
      groups.push([batch]);
      bytes = size;
    } else {
      group.push(batch);
      bytes += size;
    }
  }
  return groups;
}

function decode(row: Row): JournalRow {
  return {
    shard: int(row, 'shard_id'),
    lsn: int(row, 'lsn'),
    epoch: int(row, 'epoch'),
    batchId: text(row, 'batch_id').toLowerCase(),
    entries: int(row, 'entries'),
    records: text(row, 'records'),
    at: int(row, 'at'),
  };
}
