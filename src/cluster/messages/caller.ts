import type { Json } from '#actors/json.ts';
import type { Envelope, Reply } from '#actors/message.ts';

import { ClusterError } from '../api.ts';
import { type NodeHealth, unavailable } from '../health.ts';
import { isPassing } from '../redis/failures.ts';
import { MailboxFullError } from '../redis/mailboxes.ts';
import type { Call, Calls } from './calls.ts';
import type { Courier } from './courier.ts';

/** How long a call waits for its actor; a takeover takes 4 to 6 s, and is waited out. */
const callMs = 15_000;
/** Without an answer after this time the message is sent again: it is applied once, however often it comes. */
const resendMs = 4_000;
/** How often who waits looks up whether the servers still answer. */
const lookUpMs = 500;
const retryAfterMs = 1_000;

/** Says something to an actor and waits for its answer, which comes after the commit. */
export class Caller {
  readonly #node: string;
  readonly #courier: Courier;
  readonly #replies: Calls<Reply>;
  readonly #health: NodeHealth;

  constructor(node: string, courier: Courier, replies: Calls<Reply>, health: NodeHealth) {
    this.#node = node;
    this.#courier = courier;
    this.#replies = replies;
    this.#health = health;
  }

  /**
   * Sends a message to an actor until it answers or the time is over. What has not answered may still be applied: the same id
   * sent again is the same message.
   */
  async call(message: Omit<Envelope, 'replyTo'>, limitMs = callMs): Promise<Json> {
    const until = performance.now() + limitMs;
    const call = this.#replies.open();
    try {
      let envelope: Envelope = { ...message, replyTo: { node: this.#node, call: call.id } };
      for (;;) {
        const leftMs = until - performance.now();
        if (leftMs <= 0) {
          throw unavailable(
            `${message.to} did not answer within ${limitMs} ms; the message may still be applied, and the same id sent again is the same message`,
          );
        }
        const sent = await this.#send(envelope);
        const reply = sent ? await this.#replyTo(call, Math.min(resendMs, leftMs)) : null;
        if (reply !== null) return valueOf(reply);
        // From now on an earlier copy may have been applied.
        const { fresh: _, ...known } = envelope;
        envelope = known;
      }
    } finally {
      call.close();
    }
  }

  /** Null when none has come in time. Who waits while an outage becomes known need not wait it out. */
  async #replyTo(call: Call<Reply>, limitMs: number): Promise<Reply | null> {
    for (let leftMs = limitMs; leftMs > 0; leftMs -= lookUpMs) {
      const reply = await call.within(Math.min(lookUpMs, leftMs));
      if (reply !== null) return reply;
      this.#health.assertReachable();
    }
    return null;
  }

  /** False when Redis is away for the moment. */
  async #send(envelope: Envelope): Promise<boolean> {
    try {
      await this.#courier.send(envelope);
      return true;
    } catch (error) {
      if (error instanceof MailboxFullError) {
        throw new ClusterError('OVERLOADED', error.message, { cause: error, retryAfterMs });
      }
      if (!isPassing(error)) throw error;
      this.#health.assertReachable();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return false;
    }
  }
}

function valueOf(reply: Reply): Json {
  if (reply.ok) return reply.value;
  const failure = reply.failure === undefined ? {} : { failure: reply.failure };
  throw new ClusterError(reply.code, reply.message, failure);
}
