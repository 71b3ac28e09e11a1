import { allOk, blockForSeconds } from './connection.ts';
import type { RedisLink } from './connection.ts';
import { Gathering } from './gathering.ts';
import { Listening } from './listening.ts';
import { list, text, texts } from './replies.ts';
import { command } from './scripts.ts';

/**
 * Posts to nodes: replies to callers, commands between nodes, live frames. At most once: what a node does not fetch in a
 * minute, or what is behind 10,000 newer ones, is gone.
 */
export class Inboxes {
  readonly #link: RedisLink;
  readonly #posting: Gathering<string, string, void>;

  constructor(link: RedisLink) {
    this.#link = link;
    this.#posting = new Gathering(async (batches) => {
      allOk(
        await this.#link.pipeline(
          batches.flatMap(({ key: node, entries }) => {
            const key = inboxKey(link, node);
            return [
              command('rpush', key, ...entries.map((entry) => entry.item)),
              command('ltrim', key, -keptAtMost, -1),
              command('expire', key, keptForSeconds),
            ];
          }),
        ),
      );
      for (const { entries } of batches) for (const entry of entries) entry.resolve();
    });
  }

  /** Posts of one tick to one node travel as one. */
  async post(node: string, message: string): Promise<void> {
    await this.#posting.add(node, message);
  }
}

/** A node's own inbox. */
export class Inbox {
  readonly #link: RedisLink;
  readonly #node: string;
  #listening: Listening | null = null;

  constructor(link: RedisLink, node: string) {
    this.#link = link;
    this.#node = node;
  }

  /** Begins to listen, on a connection of its own that survives reconnects. */
  listen(onMessages: (messages: string[]) => void): void {
    if (this.#listening) throw new Error('this inbox has a listener');
    const key = inboxKey(this.#link, this.#node);
    this.#listening = new Listening(
      this.#link,
      {
        // Not BLMPOP: Redis 6.2 has none, and this costs as little.
        block: command('blpop', key, blockForSeconds),
        more: command('lpop', key, 1000),
        taken: (first, rest) => [
          ...(first === null ? [] : [text(list(first)[1])]),
          ...(rest === null ? [] : texts(rest)),
        ],
      },
      onMessages,
    );
  }

  async stop(): Promise<void> {
    await this.#listening?.stop();
  }
}

const keptAtMost = 10_000;
const keptForSeconds = 60;

function inboxKey(link: RedisLink, node: string): string {
  return link.key(`{n${node}}:inbox`);
}
