import { anyNode } from '#actors/message.ts';
import type { Work, WorkRef } from '#actors/work.ts';
import { workKey } from '#actors/work.ts';

import { Duty } from '../duty.ts';
import type { Membership } from '../members/membership.ts';
import type { Courier } from '../messages/courier.ts';
import type { Notices } from '../notices.ts';
import type { Engine } from '../shards/engine.ts';
import type { Shard } from '../shards/shard.ts';
import type { Dispatcher } from './dispatcher.ts';

const roundMs = 1_000;
/** Putting work back that is there already changes nothing, but need not be done all the time. */
const roundsBetweenPushes = 5;

interface Out {
  readonly work: Work;
  readonly where: string;
}

/**
 * Sees to it that work which was handed out is somewhere: what a dead node had is handed out anew, what a queue should hold is
 * put there again, and a node that should have work is asked whether it does. The committed state of the actors says what
 * is out; Redis and other nodes may forget.
 */
export class Janitor {
  readonly #node: string;
  readonly #engine: Engine;
  readonly #membership: Membership;
  readonly #dispatcher: Dispatcher;
  readonly #courier: Courier;
  readonly #duty: Duty;
  /** Actors with work that is not on this node, or was not begun under this ownership. */
  readonly #elsewhere = new Set<string>();
  /** Work that its node did not have when it was last asked. */
  readonly #missing = new Set<string>();
  #queues: ReadonlySet<string> = new Set();
  #rounds = 0;
  #pushAll = false;

  constructor(parts: {
    node: string;
    engine: Engine;
    membership: Membership;
    dispatcher: Dispatcher;
    courier: Courier;
    notices: Notices;
  }) {
    this.#node = parts.node;
    this.#engine = parts.engine;
    this.#membership = parts.membership;
    this.#dispatcher = parts.dispatcher;
    this.#courier = parts.courier;
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

  /**
   * These shards have a new owner, this one. Owners that had not let go of them (`from`) were taken for gone: they may live,
   * but results that they gave to actors which they no longer owned are lost.
   */
  adopt(shards: readonly Shard[], from: ReadonlySet<string>): void {
    for (const shard of shards) {
      for (const { id, actor } of shard.activations.values()) {
        const out = actor.workOut();
        if (out.length > 0) this.#elsewhere.add(id);
        for (const { work, where } of out) if (from.has(where)) this.#lost(work);
      }
    }
    this.reconsider();
  }

  /** Members came or went, or Redis lost its data. */
  reconsider(): void {
    this.#pushAll = true;
    this.#duty.nudge();
  }

  /** The queues in which work of this node's actors lay when it was last looked after. */
  get queues(): ReadonlySet<string> {
    return this.#queues;
  }

  /** The answer of a node that was asked. A result may be on its way: only who is absent twice is lost. */
  absent(refs: readonly WorkRef[]): void {
    for (const ref of refs) {
      const key = missingKey(ref);
      if (!this.#missing.delete(key)) {
        this.#missing.add(key);
        continue;
      }
      const out = this.#engine.activation(ref.actor)?.actor.workOut() ?? [];
      const found = out.find(({ work }) => missingKey(work) === key);
      if (found !== undefined) this.#lost(found.work);
    }
  }

  #round(): void {
    this.#rounds += 1;
    const ask = this.#rounds % roundsBetweenPushes === 0;
    const push = this.#pushAll || ask;
    this.#pushAll = false;
    const held: Out[] = [];
    const queued: Work[] = [];
    let isBehind = false;
    for (const id of this.#elsewhere) {
      const activation = this.#engine.activation(id);
      const out = activation?.actor.workOut() ?? [];
      if (activation === null || out.length === 0) {
        this.#elsewhere.delete(id);
        continue;
      }
      // Work of a decision that is not committed yet is not out yet.
      if (!activation.isQuiet) continue;
      // Its result may lie in the mailbox already, and the queue may have forgotten it (D1): it would be done twice.
      const isCaughtUp = this.#engine.openShardOf(id)?.caughtUp === true;
      for (const one of out) {
        if (one.where === anyNode && isCaughtUp) queued.push(one.work);
        else if (one.where === anyNode) isBehind = true;
        else if (this.#membership.isGone(one.where)) this.#lost(one.work);
        else held.push(one);
      }
    }
    this.#queues = new Set(queued.map(({ queue }) => queue));
    if (push) this.#requeue(queued);
    this.#pushAll ||= push && isBehind;
    if (ask) this.#askFor(held);
  }

  #requeue(works: readonly Work[]): void {
    const dead = [...this.#membership.members.values()].filter(({ state }) => state === 'down');
    for (const [queue, same] of Map.groupBy(works, (work) => work.queue)) {
      for (const { id } of dead) this.#dispatcher.forfeit(queue, id, same);
      this.#dispatcher.enqueue(queue, same);
    }
  }

  #askFor(held: readonly Out[]): void {
    const asked = new Set(held.map(({ work }) => missingKey(work)));
    for (const key of this.#missing) if (!asked.has(key)) this.#missing.delete(key);
    for (const [where, same] of Map.groupBy(held, (one) => one.where)) {
      const refs = same.map(({ work: { actor, task, attempt, delivery } }) => {
        return { actor, task, attempt, delivery };
      });
      this.#courier.post(where, { t: 'holding', from: this.#node, refs });
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

function missingKey(ref: WorkRef): string {
  return `${workKey(ref)}.${ref.delivery}`;
}
