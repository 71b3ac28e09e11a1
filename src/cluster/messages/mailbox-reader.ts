import type { Envelope } from '#actors/message.ts';

import { Duty } from '../duty.ts';
import type { Notices } from '../notices.ts';
import { isPassing } from '../redis/failures.ts';
import type { Mailboxes } from '../redis/mailboxes.ts';
import type { Engine } from '../shards/engine.ts';
import type { Shard } from '../shards/shard.ts';

const entriesPerRead = 256;
/** Covers bells that were lost. */
const sweepMs = 250;
/** Every so many sweeps a mailbox is read from its beginning: what lies before the cursor then, Redis has brought back. */
const sweepsPerFullRead = 12;
/** No more is read into a shard that has this much to commit: messages are better kept in Redis. */
const pendingBytesLimit = 4 * 1024 * 1024;

/**
 * Reads the mailboxes of the shards that this node owns, and removes from them what is applied and durable.
 *
 * M1 an entry is given to the engine once per ownership (`known`); M2 it is removed only after its effects are committed;
 * M3 an entry counts as new only when everything before it had been read: a start in it under a fresh id needs no look-up.
 */
export class MailboxReader {
  readonly #mailboxes: Mailboxes;
  readonly #engine: Engine;
  readonly #notices: Notices;
  readonly #sweep: Duty;
  readonly #rung = new Set<number>();
  readonly #applied = new Map<Shard, string[]>();
  #reading = false;
  #removing = false;
  #sweeps = 0;

  constructor(mailboxes: Mailboxes, engine: Engine, notices: Notices) {
    this.#mailboxes = mailboxes;
    this.#engine = engine;
    this.#notices = notices;
    this.#sweep = new Duty(
      'sweep the mailboxes',
      sweepMs,
      notices,
      async () => await this.#sweepAll(),
    );
  }

  start(): void {
    this.#sweep.start();
  }

  async stop(): Promise<void> {
    await this.#sweep.stop();
  }

  /** Somebody put something into the mailbox of this shard. */
  rung(shard: number): void {
    this.#rung.add(shard);
    if (this.#reading) return;
    this.#reading = true;
    void this.#readRung();
  }

  /** After Redis came back: whatever a cursor says, read everything. */
  rewind(): void {
    for (const shard of this.#engine.shards.values()) shard.rewind();
    this.#sweep.nudge();
  }

  /** These entries are applied and durable. */
  applied(shard: Shard, entryIds: readonly string[]): void {
    const waiting = this.#applied.get(shard);
    if (waiting === undefined) this.#applied.set(shard, [...entryIds]);
    else waiting.push(...entryIds);
    if (this.#removing) return;
    this.#removing = true;
    void this.#removeApplied();
  }

  async #readRung(): Promise<void> {
    try {
      while (this.#rung.size > 0) {
        const shards = this.#openShards(this.#rung);
        this.#rung.clear();
        await this.#read(shards);
      }
    } catch (error) {
      // When Redis is away, the sweep looks again, and says so.
      if (!isPassing(error)) this.#notices.emit('duty.failed', { duty: 'read mailboxes', error });
    } finally {
      this.#reading = false;
    }
  }

  async #sweepAll(): Promise<void> {
    this.#sweeps += 1;
    if (this.#sweeps % sweepsPerFullRead === 0) {
      for (const shard of this.#engine.shards.values()) shard.rewind();
    }
    await this.#read(this.#openShards(this.#engine.shards.keys()));
    if (this.#applied.size > 0 && !this.#removing) {
      this.#removing = true;
      await this.#removeApplied();
    }
  }

  #openShards(numbers: Iterable<number>): Shard[] {
    const open: Shard[] = [];
    for (const number of numbers) {
      const shard = this.#engine.shards.get(number);
      if (shard?.mode === 'open' && shard.pendingBytes < pendingBytesLimit) open.push(shard);
    }
    return open;
  }

  async #read(shards: readonly Shard[]): Promise<void> {
    if (shards.length === 0) return;
    const asked = new Map(
      shards.map((shard) => {
        // M3: what is read from the beginning on may have been there, and applied, before; and it may take several reads.
        const first = shard.cursor !== null && shard.caughtUp;
        return [shard.number, { shard, first, rewinds: shard.rewinds }];
      }),
    );
    const found = await this.#mailboxes.read(
      shards.map((shard) => ({ shard: shard.number, after: shard.cursor })),
      entriesPerRead,
    );
    for (const [number, { shard, first, rewinds }] of asked) {
      const entries = found.get(number) ?? [];
      for (const { id, message } of entries) {
        if (shard.known.has(id)) continue;
        shard.known.add(id);
        const envelope = this.#parse(shard, id, message);
        if (envelope !== null) this.#engine.deliver(shard, { envelope, entryId: id, first });
      }
      if (entries.length === entriesPerRead) this.rung(number);
      // What was asked before a rewind says nothing of what comes after it.
      if (rewinds !== shard.rewinds) continue;
      shard.cursor = entries.at(-1)?.id ?? shard.cursor ?? '0-0';
      if (entries.length < entriesPerRead) shard.caughtUp = true;
    }
  }

  /** A message that nobody can read is dropped, and told: it would be met again for ever. */
  #parse(shard: Shard, id: string, message: string): Envelope | null {
    try {
      const envelope: Envelope = JSON.parse(message);
      return envelope;
    } catch (error) {
      this.#notices.emit('duty.failed', { duty: 'read a message', error });
      this.applied(shard, [id]);
      return null;
    }
  }

  async #removeApplied(): Promise<void> {
    try {
      while (this.#applied.size > 0) {
        const taken = [...this.#applied];
        this.#applied.clear();
        await Promise.all(
          taken.map(async ([shard, ids]) => {
            try {
              await this.#mailboxes.remove(shard.number, ids);
              for (const id of ids) shard.known.delete(id);
            } catch (error) {
              // Redis is away: kept, so that the entries are neither applied again nor forgotten.
              if (shard.mode !== 'gone') {
                this.#applied.set(shard, [...ids, ...(this.#applied.get(shard) ?? [])]);
              }
              throw error;
            }
          }),
        );
      }
    } catch (error) {
      // The next sweep tries again.
      if (!isPassing(error)) this.#notices.emit('duty.failed', { duty: 'empty mailboxes', error });
    } finally {
      this.#removing = false;
    }
  }
}
