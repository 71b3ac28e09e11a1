import { shardOf } from '#actors/ids.ts';
import type { Envelope, Reply, ReplyAddress } from '#actors/message.ts';

import type { Background } from '../background.ts';
import type { Doorbells } from '../redis/doorbells.ts';
import type { Inboxes } from '../redis/inbox.ts';
import type { Mailboxes } from '../redis/mailboxes.ts';
import type { Calls } from './calls.ts';
import type { NodeMessage } from './wire.ts';

/** Carries messages to actors, wherever they are, and to nodes. */
export class Courier {
  readonly #node: string;
  readonly #shards: number;
  readonly #mailboxes: Mailboxes;
  readonly #doorbells: Doorbells;
  readonly #inboxes: Inboxes;
  readonly #replies: Calls<Reply>;
  readonly #background: Background;
  #onLocalBell: (shard: number) => void = () => {};
  #onLocalMessage: (message: NodeMessage) => void = () => {};

  constructor(
    node: string,
    shards: number,
    redis: { mailboxes: Mailboxes; doorbells: Doorbells; inboxes: Inboxes },
    replies: Calls<Reply>,
    background: Background,
  ) {
    this.#node = node;
    this.#shards = shards;
    this.#mailboxes = redis.mailboxes;
    this.#doorbells = redis.doorbells;
    this.#inboxes = redis.inboxes;
    this.#replies = replies;
    this.#background = background;
  }

  /** Who hears the bells and messages that need not leave this process. */
  listen(on: { bell(shard: number): void; message(message: NodeMessage): void }): void {
    this.#onLocalBell = (shard) => on.bell(shard);
    this.#onLocalMessage = (message) => on.message(message);
  }

  /**
   * Puts a message into the mailbox of its actor and rings the owner. Resolves once Redis has it; rejects with a passing
   * error, after which it may lie there or not.
   */
  async send(envelope: Envelope): Promise<void> {
    const shard = shardOf(envelope.to, this.#shards);
    const { owner } = await this.#mailboxes.send(shard, JSON.stringify(envelope));
    if (owner === this.#node) this.#onLocalBell(shard);
    else if (owner !== null) {
      // A bell that is lost costs a moment: owners look at all their mailboxes now and then.
      this.#background.run('ring a doorbell', async () => {
        await this.#doorbells.ring(owner, [`s${shard}`]);
      });
    }
  }

  /** Tells a node something, at most once, and waits for nothing. */
  post(node: string, message: NodeMessage): void {
    if (node === this.#node) this.#onLocalMessage(message);
    else this.#background.run('post to a node', async () => await this.tell(node, message));
  }

  /** Tells a node something, at most once. Resolves once Redis has it; rejects with a passing error. */
  async tell(node: string, message: NodeMessage): Promise<void> {
    if (node === this.#node) this.#onLocalMessage(message);
    else await this.#inboxes.post(node, JSON.stringify(message));
  }

  reply(to: ReplyAddress, reply: Reply): void {
    if (to.node === this.#node) this.#replies.answer(to.call, reply);
    else this.post(to.node, { t: 'reply', call: to.call, reply });
  }
}
