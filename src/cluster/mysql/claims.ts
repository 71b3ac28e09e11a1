import { setTimeout as sleep } from 'node:timers/promises';

import { createConnection, type RowDataPacket } from 'mysql2/promise';

import type { Address } from './address.ts';
import { isPassing, StatementTimeoutError } from './failures.ts';
import { connectionOptions, list, type Pool, sessionSettings, tuples, type Value } from './pool.ts';
import { int, type Row, textOrNull } from './row.ts';

export interface ShardRow {
  readonly shard: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly incarnation: string | null;
  readonly checkpointLsn: number;
}

/** A shard at the epoch that somebody saw. */
export interface Held {
  readonly shard: number;
  readonly epoch: number;
}

export interface Claimed {
  readonly shard: number;
  /** The new one: the right to commit. */
  readonly epoch: number;
  /** The last lsn of the shard; the next batch has the one after it. */
  readonly lsn: number;
  readonly checkpointLsn: number;
}

/**
 * Who owns which shard.
 *
 * C1  An epoch is given out once: who claims an epoch that is no longer current gets nothing.
 * C2  When a claim returns, no commit of an earlier epoch is under way: the claim's lock has waited for them.
 * C3  A claimer that stops in the middle holds its locks for `stoppedSeconds` at most.
 */
export class Claims {
  readonly #pool: Pool;
  readonly #address: Address;
  // Two claims of one node at a time would each believe to have won what the other did.
  #last: Promise<unknown> = Promise.resolve();

  constructor(pool: Pool, address: Address) {
    this.#pool = pool;
    this.#address = address;
  }

  async read(): Promise<readonly ShardRow[]> {
    const rows = await this.#pool.rows(
      'SELECT shard_id, epoch, owner, owner_incarnation, checkpoint_lsn FROM shard ORDER BY shard_id',
    );
    return rows.map(decode);
  }

  async owners(): Promise<ReadonlyMap<number, string | null>> {
    const rows = await this.#pool.rows('SELECT shard_id, owner FROM shard');
    return new Map(rows.map((row) => [int(row, 'shard_id'), textOrNull(row, 'owner')]));
  }

  /** Takes each shard whose epoch is still the one given; resolves to those that were really won. */
  async claim(
    wanted: readonly Held[],
    node: string,
    incarnation: string,
  ): Promise<readonly Claimed[]> {
    const turn = this.#last.then(async () => await this.#claim(wanted, node, incarnation));
    this.#last = turn.catch(() => {});
    return await turn;
  }

  /** Gives up each shard whose epoch is still the one given, so that another node may claim it at once. */
  async release(held: readonly Held[]): Promise<void> {
    for (const chunk of chunksOf(held)) {
      await this.#pool.run(
        `UPDATE shard SET owner = NULL, owner_incarnation = NULL, epoch = epoch + 1
         WHERE shard_id IN ${list(chunk.length)} AND (shard_id, epoch) IN (${tuples(chunk.length, 2)})`,
        casValues(chunk),
      );
    }
  }

  async #claim(wanted: readonly Held[], node: string, incarnation: string): Promise<Claimed[]> {
    const won: Claimed[] = [];
    for (const chunk of chunksOf(wanted)) {
      const rows = await this.#take(chunk, node, incarnation);
      const epochs = new Map(chunk.map(({ shard, epoch }) => [shard, epoch]));
      for (const row of rows) {
        const claimed = decodeClaimed(row);
        if (claimed.epoch === (epochs.get(claimed.shard) ?? 0) + 1) won.push(claimed);
      }
    }
    return won;
  }

  /** Sending it again is safe: what an earlier attempt won has our incarnation and the epoch after the one wanted. */
  async #take(chunk: readonly Held[], node: string, incarnation: string): Promise<readonly Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await takeOnce(this.#address, chunk, node, incarnation);
      } catch (error) {
        if (!isPassing(error) || attempt === attemptLimit) throw error;
        await sleep(50 * attempt * (0.5 + Math.random()));
      }
    }
  }
}

const attemptLimit = 5;
const lockWaitSeconds = 1;
const stoppedSeconds = 3;
const answerMs = 10_000;

/**
 * A transaction of several statements, but one packet: the server goes through it without waiting for us, so a claimer
 * that is stopped right after sending holds no lock. Only a lock timeout in the middle leaves the transaction open; for
 * that the connection is closed here, and by the server when we are stopped (idle_transaction_timeout in MariaDB,
 * wait_timeout in MySQL). A connection of its own because of these settings and the several statements.
 */
async function takeOnce(
  address: Address,
  chunk: readonly Held[],
  node: string,
  incarnation: string,
): Promise<readonly Row[]> {
  const connection = await createConnection({
    ...connectionOptions(address),
    multipleStatements: true,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StatementTimeoutError(answerMs)), answerMs);
  });
  // A connection that breaks while nothing is asked of it says so by an event, which would end the process if nobody listened.
  connection.on('error', () => {});
  try {
    const results = await Promise.race([
      connection.query<RowDataPacket[][]>(
        [
          ...sessionSettings(lockWaitSeconds),
          // MariaDB alone reads what is in a comment of this form.
          `SET SESSION wait_timeout = ${stoppedSeconds} /*M! , idle_transaction_timeout = ${stoppedSeconds} */`,
          'START TRANSACTION',
          `UPDATE shard SET epoch = epoch + 1, owner = ?, owner_incarnation = ?
           WHERE shard_id IN ${list(chunk.length)} AND (shard_id, epoch) IN (${tuples(chunk.length, 2)})
           ORDER BY shard_id`,
          // GREATEST, because a journal that was trimmed empty would begin again at 1.
          `SELECT s.shard_id, s.epoch, s.checkpoint_lsn,
             GREATEST(s.checkpoint_lsn, COALESCE((SELECT MAX(j.lsn) FROM journal j WHERE j.shard_id = s.shard_id), 0)) AS lsn
           FROM shard s
           WHERE s.shard_id IN ${list(chunk.length)} AND s.owner = ? AND s.owner_incarnation = ?
           ORDER BY s.shard_id`,
          'COMMIT',
        ].join(';\n'),
        [
          node,
          incarnation,
          ...casValues(chunk),
          ...chunk.map(({ shard }) => shard),
          node,
          incarnation,
        ],
      ),
      late,
    ]);
    // Of all results the SELECT's alone is an array.
    return results[0].flatMap((result) => (Array.isArray(result) ? result : []));
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}

/** For `shard_id IN (…) AND (shard_id, epoch) IN (…)`: the first half makes it a range of the primary key on both servers. */
function casValues(chunk: readonly Held[]): Value[] {
  return [
    ...chunk.map(({ shard }) => shard),
    ...chunk.flatMap(({ shard, epoch }) => [shard, epoch]),
  ];
}

// Locks are taken in the order of shards, as commits take them.
function chunksOf(held: readonly Held[]): readonly (readonly Held[])[] {
  const sorted = held.toSorted((a, b) => a.shard - b.shard);
  return Array.from({ length: Math.ceil(sorted.length / 1_000) }, (_, index) =>
    sorted.slice(index * 1_000, (index + 1) * 1_000),
  );
}

function decode(row: Row): ShardRow {
  return {
    shard: int(row, 'shard_id'),
    epoch: int(row, 'epoch'),
    owner: textOrNull(row, 'owner'),
    incarnation: textOrNull(row, 'owner_incarnation'),
    checkpointLsn: int(row, 'checkpoint_lsn'),
  };
}

function decodeClaimed(row: Row): Claimed {
  return {
    shard: int(row, 'shard_id'),
    epoch: int(row, 'epoch'),
    lsn: int(row, 'lsn'),
    checkpointLsn: int(row, 'checkpoint_lsn'),
  };
}
