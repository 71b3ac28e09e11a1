import { anyNode } from '#actors/message.ts';
import type { Work } from '#actors/work.ts';

import { Duty } from '../duty.ts';
import type { Membership } from '../members/membership.ts';
import type { Notices } from '../notices.ts';
import type { Engine } from '../shards/engine.ts';
import type { Shard } from '../shards/shard.ts';
import type { Dispatcher } from './dispatcher.ts';

const roundMs = 1_000;
/** Putting work back that is there already changes nothing, but need not be done all the time. */
const roundsBetweenPushes = 5;

/**
 * Sees to it that work which was handed out elsewhere is somewhere: what a dead node had is handed out anew, and what a queue
 * should hold is put there again. The committed state of the actors says what is out; Redis and other nodes may forget.
 */
export class Janitor {
  readonly #node: string;
  readonly #engine: Engine;
  readonly #membership: Membership;
  readonly #dispatcher: Dispatcher;
  readonly #duty: Duty;
  /** Actors with work that is not on this node. */
  readonly #elsewhere = new Set<string>();
  #rounds = 0;
  #pushAll = false;

  constructor(parts: {
    node: string;
    engine: Engine;
    membership: Membership;
    dispatcher: Dispatcher;
    notices: Notices;
  }) {
    this.#node = parts.node;
    this.#engine = parts.engine;
    this.#membership = parts.membership;
    this.#dispatcher = parts.dispatcher;
    this.#duty = new Duty('look after work elsewhere', roundMs, parts.notices, async () =>
      this.#round(),
    );
  }

  start(): void {
    this.#duty.start();
  }

  async stop(): Promise<void> {
    await this.#duty.stop();
  }

  /** Work was handed out that is not on this node. */
  watch(actor: string): void {
    this.#elsewhere.add(actor);
  }

  /** These shards have a new owner, this one: whatever is out was handed out by the owner before. */
  adopt(shards: readonly Shard[]): void {
    for (const shard of shards) {
      for (const activation of shard.activations.values()) {
        if (activation.actor.workOut().length > 0) this.#elsewhere.add(activation.id);
      }
    }
    this.#pushAll = true;
    this.#duty.nudge();
  }

  /** Members came or went, or Redis lost its data. */
  reconsider(): void {
    this.#pushAll = true;
    this.#duty.nudge();
  }

  #round(): void {
    this.#rounds += 1;
    const push = this.#pushAll || this.#rounds % roundsBetweenPushes === 0;
    this.#pushAll = false;
    for (const id of this.#elsewhere) {
      const activation = this.#engine.activation(id);
      const out = (activation?.actor.workOut() ?? []).filter(({ where }) => where !== this.#node);
      if (activation === null || out.length === 0) {
        this.#elsewhere.delete(id);
        continue;
      }
      // Work of a decision that is not committed yet is not out yet.
      if (!activation.isQuiet) continue;
      for (const { work, where } of out) {
        if (where === anyNode) {
          if (push) this.#dispatcher.enqueue(work);
        } else if (this.#membership.isGone(where)) {
          this.#lost(work);
        }
      }
    }
  }

  #lost(work: Work): void {
    const { actor, task, attempt, delivery, job } = work;
    this.#engine.tell(
      actor,
      job.kind === 'turn'
        ? { type: 'turn.lost', turn: task, delivery }
        : { type: 'task.lost', step: task, attempt, delivery },
    );
  }
}
