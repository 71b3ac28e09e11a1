import { setTimeout as sleep } from 'node:timers/promises';

import { ClusterError, type ClusterErrorCode } from './api.ts';
import { unavailable } from './health.ts';
import type { Draining } from './members/draining.ts';
import type { Member, Membership } from './members/membership.ts';
import type { Calls } from './messages/calls.ts';
import type { Courier } from './messages/courier.ts';
import type { NodeMessage, Obedience, Order } from './messages/wire.ts';

/** A node that lives answers within one beat or two of Redis. */
const answerMs = 5_000;
/** For the answer of a node that is told to die by a caller at its own door: that has to be on its way before. */
const lastWordsMs = 100;

/** What an operator tells a node to do, by its name, from whichever node he asks. */
export class Orders {
  readonly #node: string;
  readonly #isDev: boolean;
  readonly #membership: Membership;
  readonly #courier: Courier;
  readonly #answers: Calls<Obedience>;
  readonly #draining: Draining;

  constructor(parts: {
    node: string;
    isDev: boolean;
    membership: Membership;
    courier: Courier;
    answers: Calls<Obedience>;
    draining: Draining;
  }) {
    this.#node = parts.node;
    this.#isDev = parts.isDev;
    this.#membership = parts.membership;
    this.#courier = parts.courier;
    this.#answers = parts.answers;
    this.#draining = parts.draining;
  }

  /** Resolves once whoever looks from now on sees it, this node included; the shards move a moment later. */
  async drain(name: string, on: boolean): Promise<void> {
    await this.#tell(this.#find(name), on ? 'drain' : 'undrain');
    // It is done, whether or not it can be seen here before the next beat.
    await this.#membership.tell().catch(() => undefined);
  }

  /** Kills the process of a node, as a fault would. In development mode alone. */
  async kill(name: string): Promise<void> {
    if (!this.#isDev) throw noSuchThing();
    await this.#tell(this.#find(name), 'die');
  }

  /** Somebody tells this node. */
  async heard(order: Extract<NodeMessage, { t: 'order' }>): Promise<void> {
    const refusal = await this.#obey(order.order);
    const told = this.#courier.tell(order.from, {
      t: 'obeyed',
      call: order.call,
      answer: { refusal },
    });
    if (order.order === 'die' && refusal === null) {
      // Not before the answer is with Redis: whoever asked would take a death that he wished for a node that is stuck.
      await Promise.race([told.catch(() => undefined), sleep(answerMs)]);
      await sleep(lastWordsMs);
      process.kill(process.pid, 'SIGKILL');
    }
    await told;
  }

  async #obey(order: Order): Promise<Obedience['refusal']> {
    try {
      switch (order) {
        case 'drain':
          return (await this.#draining.drain()) ? null : lastNode;
        case 'undrain':
          await this.#draining.undrain();
          return null;
        case 'die':
          return this.#isDev ? null : refusalOf(noSuchThing());
      }
    } catch (error) {
      return refusalOf(error);
    }
  }

  #find(name: string): Member {
    const live = this.#membership.live();
    const found = live.find(({ info }) => info.name === name);
    if (found !== undefined) return found;
    const names = live.map(({ info }) => info.name).toSorted();
    throw new ClusterError(
      'NODE_NOT_FOUND',
      `no node named "${name}" is in the cluster; there are ${names.join(', ')}`,
    );
  }

  async #tell({ id, info }: Member, order: Order): Promise<void> {
    const call = this.#answers.open();
    try {
      this.#courier.post(id, { t: 'order', call: call.id, from: this.#node, order });
      const answer = await call.within(answerMs);
      if (answer === null) throw unavailable(`node ${info.name} does not answer`);
      const { refusal } = answer;
      if (refusal !== null) throw new ClusterError(refusal.code, refusal.message);
    } finally {
      call.close();
    }
  }
}

const lastNode = {
  code: 'LAST_NODE',
  message:
    'no other node would take its shards: start one, or undrain one, before this one is drained',
} as const;

function noSuchThing(): ClusterError {
  return new ClusterError('NOT_FOUND', 'nodes can be killed in development mode alone');
}

function refusalOf(error: unknown): { code: ClusterErrorCode; message: string } {
  if (error instanceof ClusterError) return { code: error.code, message: error.message };
  const { code, message } = unavailable(error instanceof Error ? error.message : String(error));
  return { code, message };
}
