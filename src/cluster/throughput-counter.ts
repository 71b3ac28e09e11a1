import { Duty } from './duty.ts';
import { minuteMs, type Minute, type Throughput } from './mysql/throughput.ts';
import type { Notices } from './notices.ts';
import type { Batch } from './shards/batch.ts';

const everyMs = 2_000;
/** An event is committed a moment after it happened, or long after when MySQL was away. */
const minutesInMemory = 60;
/** How far back the counts of minutes are kept. */
export const minutesKept = 7 * 24 * 60;
const pruneEveryMinutes = 60;

type Counted = Exclude<keyof Minute, 'minute'>;

const counted: Readonly<Record<string, Counted>> = {
  'workflow.accepted': 'started',
  'workflow.completed': 'completed',
  'workflow.failed': 'failed',
  'workflow.canceled': 'canceled',
};

/**
 * Counts what this node commits, by the minute in which it happened, and stores the counts a little later. While nothing
 * happens, nothing is sent to MySQL.
 */
export class ThroughputCounter {
  readonly #node: string;
  readonly #stored: Throughput;
  readonly #duty: Duty;
  readonly #minutes = new Map<number, Record<Counted, number>>();
  readonly #changed = new Set<number>();
  #prunedAt = 0;

  /** `node`: this run of it. */
  constructor(node: string, stored: Throughput, notices: Notices) {
    this.#node = node;
    this.#stored = stored;
    this.#duty = new Duty('store throughput', everyMs, notices, async () => await this.#store());
  }

  start(): void {
    this.#duty.start();
  }

  async stop(): Promise<void> {
    await this.#duty.stop();
    await this.#store();
  }

  /** The batch is complete, and counts once it is durable. */
  departing(batch: Batch): void {
    const found: { minute: number; what: Counted }[] = [];
    for (const { decided } of batch.entries.values()) {
      for (const event of decided) {
        const what = counted[event.type];
        if (what !== undefined) found.push({ minute: Math.floor(event.at / minuteMs), what });
      }
    }
    if (found.length === 0) return;
    batch.afterwards.push(() => {
      for (const { minute, what } of found) this.#count(minute, what);
    });
  }

  #count(minute: number, what: Counted): void {
    let counts = this.#minutes.get(minute);
    if (counts === undefined) {
      counts = { started: 0, completed: 0, failed: 0, canceled: 0 };
      this.#minutes.set(minute, counts);
    }
    counts[what] += 1;
    this.#changed.add(minute);
  }

  async #store(): Promise<void> {
    if (this.#changed.size === 0) return;
    const changed = [...this.#changed];
    const minutes = changed.flatMap((minute) => {
      const counts = this.#minutes.get(minute);
      return counts === undefined ? [] : [{ minute, ...counts }];
    });
    this.#changed.clear();
    try {
      await this.#stored.write(this.#node, minutes);
    } catch (error) {
      for (const minute of changed) this.#changed.add(minute);
      throw error;
    }
    const now = Math.floor(Date.now() / minuteMs);
    for (const minute of this.#minutes.keys()) {
      if (minute < now - minutesInMemory && !this.#changed.has(minute))
        this.#minutes.delete(minute);
    }
    if (now - this.#prunedAt < pruneEveryMinutes) return;
    this.#prunedAt = now;
    await this.#stored.prune(now - minutesKept);
  }
}
