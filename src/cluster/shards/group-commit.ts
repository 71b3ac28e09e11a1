import type { Journal } from '../mysql/journal.ts';
import type { Notices } from '../notices.ts';
import { randomBytes } from '../random.ts';
import type { Batch } from './batch.ts';
import type { Shard } from './shard.ts';

/** Two statements at a time: one is on the disk while the next is being sent. More only makes the batches smaller. */
const lanes = 2;
const shardsPerStatement = 64;
const bytesPerStatement = 8 * 1024 * 1024;

/**
 * Group commit by construction: a lane that is free takes what all shards have pending, in one statement; while it flies,
 * the next batches fill. Nothing ever waits to fill a batch, so at low load a commit holds one message, and at high load
 * as many as came meanwhile (Netherite's pipelining).
 */
export class GroupCommit {
  readonly #journal: Journal;
  readonly #notices: Notices;
  readonly #departing: (batch: Batch) => void;
  readonly #landed: (shard: Shard, batch: Batch, lsn: number) => void;
  readonly #fenced: (shard: Shard) => void;
  readonly #ready = new Set<Shard>();
  #flying = 0;
  #pumping = false;

  constructor(
    journal: Journal,
    notices: Notices,
    on: {
      /** The batch is complete: the states of its actors are now just what it makes durable. */
      departing(batch: Batch): void;
      /** The batch is durable. */
      landed(shard: Shard, batch: Batch, lsn: number): void;
      /** Another node owns the shard; nothing of the batch is durable. */
      fenced(shard: Shard): void;
    },
  ) {
    this.#journal = journal;
    this.#notices = notices;
    this.#departing = (batch) => on.departing(batch);
    this.#landed = (shard, batch, lsn) => on.landed(shard, batch, lsn);
    this.#fenced = (shard) => on.fenced(shard);
  }

  /** The shard has something to commit. */
  wake(shard: Shard): void {
    this.#ready.add(shard);
    if (this.#pumping) return;
    this.#pumping = true;
    // At the end of the turn of the event loop's current callback: all that it delivered goes into one batch.
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#flying < lanes) {
      const taken = this.#take();
      if (taken.length === 0) break;
      this.#flying += 1;
      void this.#fly(taken);
    }
  }

  #take(): Flight[] {
    const taken: Flight[] = [];
    let bytes = 0;
    for (const shard of this.#ready) {
      if (taken.length >= shardsPerStatement || bytes >= bytesPerStatement) break;
      this.#ready.delete(shard);
      // Batches without events have nothing to make durable: what they let out only had to wait for those before.
      while (shard.hasWork) {
        const batch = shard.takeOff();
        if (batch.entries.size > 0) {
          this.#guarded('show a batch', () => this.#departing(batch));
          taken.push({ shard, batch, lsn: shard.lastLsn + 1 });
          bytes += batch.bytes;
          break;
        }
        this.#land(shard, batch, shard.lastLsn);
      }
    }
    return taken;
  }

  async #fly(flights: readonly Flight[]): Promise<void> {
    try {
      const { committed } = await this.#journal.commit(
        flights.map(({ shard, batch, lsn }) => ({
          shard: shard.number,
          lsn,
          epoch: shard.epoch,
          batchId: randomBytes(8).toString('hex'),
          entries: batch.entries.size,
          records: batch.records(),
        })),
      );
      for (const { shard, batch, lsn } of flights) {
        if (shard.mode === 'gone') continue;
        if (committed.has(shard.number)) this.#land(shard, batch, lsn);
        else this.#fenced(shard);
      }
    } catch (error) {
      // What the journal does not try again is a statement that cannot succeed, or the end of this node.
      this.#notices.emit('duty.failed', { duty: 'commit', error });
      for (const { shard } of flights) this.#fenced(shard);
    } finally {
      this.#flying -= 1;
      this.#pump();
    }
  }

  #land(shard: Shard, batch: Batch, lsn: number): void {
    shard.lastLsn = lsn;
    shard.landed();
    this.#guarded('release a batch', () => this.#landed(shard, batch, lsn));
    if (shard.hasWork) this.#ready.add(shard);
  }

  /** What listeners do wrong must not stop the commits of everybody. */
  #guarded(duty: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#notices.emit('duty.failed', { duty, error });
    }
  }
}

interface Flight {
  readonly shard: Shard;
  readonly batch: Batch;
  readonly lsn: number;
}
