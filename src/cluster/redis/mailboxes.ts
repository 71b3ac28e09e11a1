import { allOk, valueOf } from './connection.ts';
import type { RedisLink } from './connection.ts';
import { Gathering } from './gathering.ts';
import type { Batch } from './gathering.ts';
import { list, number, text, textOrNull, texts } from './replies.ts';
import { command, installOwner, sendMessages } from './scripts.ts';

/**
 * The mailboxes of the shards, each a stream. A message stays until its owner removes it, which it does once the effects
 * of the message are committed; so what can be read is what is not known to be done.
 */
export class Mailboxes {
  readonly #link: RedisLink;
  readonly #limit: number;
  readonly #sending: Gathering<number, string, { owner: string | null }>;
  readonly #removing: Gathering<number, readonly string[], void>;

  constructor(link: RedisLink, options: { limit?: number } = {}) {
    this.#link = link;
    this.#limit = options.limit ?? 50_000;
    this.#sending = new Gathering(async (batches) => await this.#carrySends(batches));
    this.#removing = new Gathering(async (batches) => await this.#carryRemovals(batches));
  }

  /**
   * Appends. Resolves with the owner that Redis knows of, whose doorbell is to be rung. Rejects with MailboxFullError, or
   * with a passing error; then the message may have been appended or not, and it is for its reader to know duplicates.
   * Calls of one tick travel in one pipeline; calls for one shard are appended in the order of the calls.
   */
  async send(shard: number, message: string): Promise<{ owner: string | null }> {
    return await this.#sending.add(shard, message);
  }

  /**
   * Everything not yet removed, oldest first, up to `count` for each shard; a shard without messages is absent.
   * `after` leaves out what was read already. It is only good within one connection: after a loss of data or a failover new
   * ids can be lower than old ones, so pass null then, and every few seconds.
   */
  async read(
    requests: readonly { shard: number; after: string | null }[],
    count: number,
  ): Promise<Map<number, MailboxEntry[]>> {
    const replies = await this.#link.pipeline(
      requests.map(({ shard, after }) =>
        command(
          'xrange',
          this.#key(shard),
          after === null ? '-' : `(${after}`,
          '+',
          'COUNT',
          count,
        ),
      ),
    );
    const found = new Map<number, MailboxEntry[]>();
    for (const [index, { shard }] of requests.entries()) {
      const entries = list(valueOf(replies[index])).map(entryOf);
      if (entries.length > 0) found.set(shard, entries);
    }
    return found;
  }

  async remove(shard: number, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#removing.add(shard, ids);
  }

  async depth(shards: readonly number[]): Promise<Map<number, number>> {
    const replies = await this.#link.pipeline(
      shards.map((shard) => command('xlen', this.#key(shard))),
    );
    return new Map(shards.map((shard, index) => [shard, number(valueOf(replies[index]))]));
  }

  /** Records who owns shards. A lower epoch than the one recorded changes nothing. */
  async installOwner(
    shards: readonly { shard: number; node: string; epoch: number }[],
  ): Promise<void> {
    allOk(
      await this.#link.pipeline(
        shards.map(({ shard, node, epoch }) =>
          installOwner.call([this.#ownerKey(shard)], [node, epoch]),
        ),
      ),
    );
  }

  async #carrySends(
    batches: readonly Batch<number, string, { owner: string | null }>[],
  ): Promise<void> {
    const replies = await this.#link.pipeline(
      batches.map(({ key: shard, entries }) =>
        sendMessages.call(
          [this.#key(shard), this.#ownerKey(shard)],
          [this.#limit, ...entries.map((entry) => entry.item)],
        ),
      ),
    );
    for (const [index, { key: shard, entries }] of batches.entries()) {
      const reply = replies[index];
      if (!reply?.ok) {
        for (const entry of entries) entry.reject(reply?.error);
        continue;
      }
      const [appended, owner] = list(reply.value);
      const room = number(appended);
      for (const [position, entry] of entries.entries()) {
        if (position < room) entry.resolve({ owner: textOrNull(owner) });
        else entry.reject(new MailboxFullError(shard, this.#limit));
      }
    }
  }

  async #carryRemovals(batches: readonly Batch<number, readonly string[], void>[]): Promise<void> {
    const replies = await this.#link.pipeline(
      batches.map(({ key: shard, entries }) =>
        command('xdel', this.#key(shard), ...entries.flatMap((entry) => entry.item)),
      ),
    );
    for (const [index, { entries }] of batches.entries()) {
      const reply = replies[index];
      for (const entry of entries) {
        if (reply?.ok) entry.resolve();
        else entry.reject(reply?.error);
      }
    }
  }

  #key(shard: number): string {
    return this.#link.key(`{s${shard}}:mailbox`);
  }

  #ownerKey(shard: number): string {
    return this.#link.key(`{s${shard}}:owner`);
  }
}

export interface MailboxEntry {
  readonly id: string;
  readonly message: string;
}

/** The shard has as many messages waiting as it may. Nothing was appended; send again later, or refuse the caller. */
export class MailboxFullError extends Error {
  override readonly name = 'MailboxFullError';
  readonly shard: number;

  constructor(shard: number, limit: number) {
    super(`the mailbox of shard ${shard} is full: ${limit} messages wait`);
    this.shard = shard;
  }
}

function entryOf(reply: unknown): MailboxEntry {
  const [id, fields] = list(reply);
  return { id: text(id), message: texts(fields)[1] ?? '' };
}
