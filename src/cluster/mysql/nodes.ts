import type { Json } from '#actors/json.ts';

import type { Availability } from './availability.ts';
import { isConnectionFailure } from './failures.ts';
import type { Pool } from './pool.ts';
import { int, text } from './row.ts';

/** A node's sign of life. Others judge it by whether the counter moves, on their own clocks. */
export interface NodeRow {
  readonly name: string;
  readonly incarnation: string;
  readonly counter: number;
  readonly info: Json;
  /** By the server's clock; for people. */
  readonly updatedAt: number;
}

/** The nodes as MySQL sees them: the second witness beside Redis. */
export class Nodes {
  readonly #pool: Pool;
  readonly #availability: Availability;

  constructor(pool: Pool, availability: Availability) {
    this.#pool = pool;
    this.#availability = availability;
  }

  /** Moves the node's own counter and resolves to the rows of all. */
  async beat(name: string, incarnation: string, info: Json): Promise<readonly NodeRow[]> {
    // A node that has nothing to commit learns here that MySQL is away.
    try {
      await this.#move(name, incarnation, info);
      this.#availability.answered();
    } catch (error) {
      if (isConnectionFailure(error)) this.#availability.failed(error);
      throw error;
    }
    return await this.read();
  }

  async #move(name: string, incarnation: string, info: Json): Promise<void> {
    await this.#pool.run(
      `INSERT INTO node (name, incarnation, counter, info, updated_at)
       VALUES (?, ?, 1, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))
       ON DUPLICATE KEY UPDATE counter = counter + 1, incarnation = VALUES(incarnation), info = VALUES(info),
         updated_at = VALUES(updated_at)`,
      [name, incarnation, JSON.stringify(info)],
    );
  }

  async read(): Promise<readonly NodeRow[]> {
    const rows = await this.#pool.rows(
      'SELECT name, incarnation, counter, info, updated_at FROM node ORDER BY name',
    );
    return rows.map((row) => {
      const info: Json = JSON.parse(text(row, 'info'));
      return {
        name: text(row, 'name'),
        incarnation: text(row, 'incarnation'),
        counter: int(row, 'counter'),
        info,
        updatedAt: int(row, 'updated_at'),
      };
    });
  }

  /** Forgets a node that has gone, unless it has come back as another incarnation. */
  async remove(name: string, incarnation: string): Promise<void> {
    await this.#pool.run('DELETE FROM node WHERE name = ? AND incarnation = ?', [
      name,
      incarnation,
    ]);
  }
}
