import { list, type Pool } from './pool.ts';
import { int, text } from './row.ts';
import type { ActorKey } from './snapshots.ts';

/** An actor, and the epoch under which the node that wants to remove it owns its shard. */
export interface OwnedActor extends ActorKey {
  readonly epoch: number;
}

/** Removes actors that ended long ago, with their history, log lines and tags. */
export class Retention {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Actors of these shards that ended so long ago, the oldest first. */
  async ended(
    shards: readonly number[],
    olderThanMs: number,
    limit: number,
  ): Promise<readonly ActorKey[]> {
    if (shards.length === 0) return [];
    const rows = await this.#pool.rows(
      `SELECT shard_id, id FROM actor WHERE ended_at < ? AND is_open = 0 AND shard_id IN ${list(shards.length)}
       ORDER BY ended_at LIMIT ?`,
      [Date.now() - olderThanMs, ...shards, limit],
    );
    return rows.map((row) => ({ shard: int(row, 'shard_id'), id: text(row, 'id') }));
  }

  /**
   * Their owner sees to it that none of them is opened again meanwhile. One that has lost the shard, perhaps while it was
   * frozen, removes nothing: under the next owner they may be open again.
   */
  async remove(actors: readonly OwnedActor[]): Promise<void> {
    if (actors.length === 0) return;
    const keys = actors.flatMap(({ shard, id, epoch }) => [shard, id, epoch]);
    // The actor last: should we die in between, the next call finds it again.
    for (const table of ['task_log', 'history', 'tag', 'actor']) {
      const closed = table === 'actor' ? ' WHERE x.is_open = 0' : '';
      await this.#pool.run(
        `DELETE x FROM (${ownedRows(actors.length)}) k
         STRAIGHT_JOIN shard s ON s.shard_id = k.shard_id AND s.epoch = k.epoch
         STRAIGHT_JOIN ${table} x ON x.shard_id = k.shard_id AND x.id = k.id${closed}`,
        keys,
      );
    }
  }
}

/** A derived table of so many rows of shard_id, id and epoch. */
function ownedRows(count: number): string {
  return `SELECT CAST(? AS UNSIGNED) AS shard_id, ? AS id, CAST(? AS UNSIGNED) AS epoch${' UNION ALL SELECT ?, ?, ?'.repeat(count - 1)}`;
}
