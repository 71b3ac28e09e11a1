import { keyRows, list, type Pool } from './pool.ts';
import { int, text } from './row.ts';
import type { ActorKey } from './snapshots.ts';

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

  /** Their owner sees to it that none of them is opened again meanwhile. */
  async remove(actors: readonly ActorKey[]): Promise<void> {
    if (actors.length === 0) return;
    const keys = actors.flatMap(({ shard, id }) => [shard, id]);
    // The actor last: should we die in between, the next call finds it again.
    for (const table of ['task_log', 'history', 'tag', 'actor']) {
      const closed = table === 'actor' ? ' WHERE x.is_open = 0' : '';
      await this.#pool.run(
        `DELETE x FROM (${keyRows(actors.length)}) k
         STRAIGHT_JOIN ${table} x ON x.shard_id = k.shard_id AND x.id = k.id${closed}`,
        keys,
      );
    }
  }
}
