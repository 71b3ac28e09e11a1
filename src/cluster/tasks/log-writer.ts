import { shardOf } from '#actors/ids.ts';
import type { LogLine, Work } from '#actors/work.ts';

import type { TaskLogLine } from '../api.ts';
import { Duty } from '../duty.ts';
import type { TaskLogRow, TaskLogs } from '../mysql/task-logs.ts';
import type { Notices } from '../notices.ts';

const everyMs = 200;
/** Lines are help, not truth: rather than to grow without limit while MySQL is away, the oldest are let go. */
const linesInMemory = 20_000;

/** Stores the lines that handlers log on this node, a little while after they are written, and shows them live. */
export class LogWriter {
  readonly #shards: number;
  readonly #stored: TaskLogs;
  readonly #show: (id: string, lines: readonly TaskLogLine[]) => void;
  readonly #duty: Duty;
  readonly #counts = new Map<string, number>();
  #waiting: TaskLogRow[] = [];
  #unshown: TaskLogRow[] = [];

  constructor(
    shards: number,
    stored: TaskLogs,
    notices: Notices,
    show: (id: string, lines: readonly TaskLogLine[]) => void,
  ) {
    this.#shards = shards;
    this.#stored = stored;
    this.#show = show;
    this.#duty = new Duty('store task logs', everyMs, notices, async () => await this.#write());
  }

  start(): void {
    this.#duty.start();
  }

  async stop(): Promise<void> {
    await this.#duty.stop();
    await this.#write();
  }

  add({ actor, task, attempt, delivery, job }: Work, line: LogLine): void {
    if (job.kind !== 'task') return;
    const key = `${actor}.${task}.${attempt}.${delivery}`;
    const n = this.#counts.get(key) ?? delivery * 10_000;
    this.#counts.set(key, n + 1);
    if (this.#waiting.length >= linesInMemory) this.#waiting.shift();
    const row = { shard: shardOf(actor, this.#shards), id: actor, task, attempt, n, ...line };
    this.#waiting.push(row);
    this.#unshown.push(row);
  }

  ended({ actor, task, attempt, delivery }: Work): void {
    if (this.#counts.size === 0) return;
    this.#counts.delete(`${actor}.${task}.${attempt}.${delivery}`);
  }

  async #write(): Promise<void> {
    this.#showNew();
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    try {
      await this.#stored.write(lines);
    } catch (error) {
      this.#waiting = [...lines, ...this.#waiting].slice(-linesInMemory);
      throw error;
    }
  }

  /** Each line once, whether or not it can be stored just now. */
  #showNew(): void {
    const lines = this.#unshown;
    this.#unshown = [];
    for (const [id, own] of Map.groupBy(lines, (line) => line.id)) {
      this.#show(
        id,
        own.map(({ task, attempt, at, level, message }) => ({
          step: task,
          attempt,
          at,
          level,
          message,
        })),
      );
    }
  }
}
