import type { LogLine } from '#actors/work.ts';

import { type Pool, tuples } from './pool.ts';
import { int, type Row, text } from './row.ts';

/** A line that a handler logged; `n` numbers the lines of one attempt, so that a line written twice is stored once. */
export interface TaskLogRow extends LogLine {
  readonly shard: number;
  readonly id: string;
  readonly task: number;
  readonly attempt: number;
  readonly n: number;
}

/** The log lines of tasks. */
export class TaskLogs {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async write(lines: readonly TaskLogRow[]): Promise<void> {
    for (let from = 0; from < lines.length; from += 500) {
      const chunk = lines.slice(from, from + 500);
      // Not INSERT IGNORE, which would also cut short what is too long.
      await this.#pool.run(
        `INSERT INTO task_log (shard_id, id, task, attempt, n, at, level, message) VALUES ${tuples(chunk.length, 8)}
         ON DUPLICATE KEY UPDATE n = task_log.n`,
        chunk.flatMap(({ shard, id, task, attempt, n, at, level, message }) => [
          shard,
          id,
          task,
          attempt,
          n,
          at,
          level,
          message,
        ]),
      );
    }
  }

  /** The newest of them, the oldest first. */
  async read(
    shard: number,
    id: string,
    { task, limit }: { task?: number; limit: number },
  ): Promise<readonly TaskLogRow[]> {
    const rows = await this.#pool.rows(
      `SELECT task, attempt, n, at, level, message FROM task_log
       WHERE shard_id = ? AND id = ?${task === undefined ? '' : ' AND task = ?'}
       ORDER BY at DESC, task DESC, attempt DESC, n DESC LIMIT ?`,
      [shard, id, ...(task === undefined ? [] : [task]), limit],
    );
    return rows.toReversed().map((row) => ({
      shard,
      id,
      task: int(row, 'task'),
      attempt: int(row, 'attempt'),
      n: int(row, 'n'),
      at: int(row, 'at'),
      level: levelOf(row),
      message: text(row, 'message'),
    }));
  }
}

function levelOf(row: Row): LogLine['level'] {
  const level = text(row, 'level');
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}
