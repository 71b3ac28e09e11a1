import { allOk, blockForSeconds } from './connection.ts';
import type { RedisLink } from './connection.ts';
import { Gathering } from './gathering.ts';
import { Listening } from './listening.ts';
import { groups, list, text } from './replies.ts';
import { command } from './scripts.ts';

/**
 * Rings the doorbells of nodes: 's137' says that shard 137 has messages, 'qmail' that the queue `mail` has tasks. Rings for
 * the same thing are one until they are heard. A ring may be lost with a connection; a listener also looks by itself.
 */
export class Doorbells {
  readonly #link: RedisLink;
  readonly #ringing: Gathering<string, readonly string[], void>;

  constructor(link: RedisLink) {
    this.#link = link;
    this.#ringing = new Gathering(async (batches) => {
      allOk(
        await this.#link.pipeline(
          batches.flatMap(({ key: node, entries }) => {
            const members = new Set(entries.flatMap((entry) => entry.item));
            const key = bellKey(link, node);
            return [
              command('zadd', key, 'NX', ...[...members].flatMap((member) => [0, member])),
              command('expire', key, forgottenAfterSeconds),
            ];
          }),
        ),
      );
      for (const { entries } of batches) for (const entry of entries) entry.resolve();
    });
  }

  async ring(node: string, members: readonly string[]): Promise<void> {
    if (members.length > 0) await this.#ringing.add(node, members);
  }
}

/** A node's own doorbell. */
export class Doorbell {
  readonly #link: RedisLink;
  readonly #node: string;
  #listening: Listening | null = null;

  constructor(link: RedisLink, node: string) {
    this.#link = link;
    this.#node = node;
  }

  /** Begins to listen, on a connection of its own that survives reconnects. */
  listen(onRung: (members: string[]) => void): void {
    if (this.#listening) throw new Error('this doorbell has a listener');
    const key = bellKey(this.#link, this.#node);
    this.#listening = new Listening(
      this.#link,
      {
        block: command('bzpopmin', key, blockForSeconds),
        more: command('zpopmin', key, 1000),
        taken: (first, rest) => [
          ...(first === null ? [] : [text(list(first)[1])]),
          ...(rest === null ? [] : groups(rest, 2).map(([member]) => text(member))),
        ],
      },
      onRung,
    );
  }

  async stop(): Promise<void> {
    await this.#listening?.stop();
  }
}

// The doorbell of a node that died vanishes; one that lives empties its own long before.
const forgottenAfterSeconds = 60;

function bellKey(link: RedisLink, node: string): string {
  return link.key(`{n${node}}:bell`);
}
