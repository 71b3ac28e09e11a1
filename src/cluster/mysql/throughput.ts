import { type Pool, tuples } from './pool.ts';
import { int } from './row.ts';

export const minuteMs = 60_000;

/** What happened to workflows in a minute, which is counted from 1970. */
export interface Minute {
  readonly minute: number;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly canceled: number;
}

/** Counts of each minute, of each run of each node by itself: so that writing them again changes nothing. */
export class Throughput {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** What this run of a node has counted so far in each of these minutes; it only ever rises. */
  async write(node: string, minutes: readonly Minute[]): Promise<void> {
    if (minutes.length === 0) return;
    await this.#pool.run(
      `INSERT INTO throughput (minute, node, started, completed, failed, canceled)
       VALUES ${tuples(minutes.length, 6)} ON DUPLICATE KEY UPDATE ${raised}`,
      minutes.flatMap(({ minute, started, completed, failed, canceled }) => [
        minute,
        node,
        started,
        completed,
        failed,
        canceled,
      ]),
    );
  }

  /** Those minutes of which there is something to tell, the oldest first. */
  async read(from: number, to: number): Promise<readonly Minute[]> {
    const rows = await this.#pool.rows(
      `SELECT minute, SUM(started) AS started, SUM(completed) AS completed, SUM(failed) AS failed, SUM(canceled) AS canceled
       FROM throughput WHERE minute BETWEEN ? AND ? GROUP BY minute ORDER BY minute`,
      [from, to],
    );
    return rows.map((row) => ({
      minute: int(row, 'minute'),
      started: int(row, 'started'),
      completed: int(row, 'completed'),
      failed: int(row, 'failed'),
      canceled: int(row, 'canceled'),
    }));
  }

  async prune(before: number): Promise<void> {
    await this.#pool.run('DELETE FROM throughput WHERE minute < ?', [before]);
  }
}

const raised = ['started', 'completed', 'failed', 'canceled']
  .map((name) => `${name} = GREATEST(throughput.${name}, VALUES(${name}))`)
  .join(', ');
