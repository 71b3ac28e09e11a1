import { type Pool, tuples } from './pool.ts';
import { int, text } from './row.ts';

/** Removes actors that ended long ago, with their history, log lines and tags. */
export class Retention {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Resolves to the number of actors that were removed, at most `chunk`: call again while it is that many. */
  async prune(olderThanMs: number, chunk = 500): Promise<number> {
    const rows = await this.#pool.rows(
      'SELECT shard_id, id FROM actor WHERE ended_at < ? AND is_open = 0 ORDER BY ended_at LIMIT ?',
      [Date.now() - olderThanMs, chunk],
    );
    if (rows.length === 0) return 0;
    const keys = rows.flatMap((row) => [int(row, 'shard_id'), text(row, 'id')]);
    // The actor last: should we die in between, the next call finds it again.
    for (const table of ['task_log', 'history', 'tag', 'actor']) {
      const closed = table === 'actor' ? ' AND is_open = 0' : '';
      await this.#pool.run(
        `DELETE FROM ${table} WHERE (shard_id, id) IN (${tuples(rows.length, 2)})${closed}`,
        keys,
      );
    }
    return rows.length;
  }
}
