import type { Outcome, Work } from '#actors/work.ts';
import { workKey } from '#actors/work.ts';

import type { Background } from '../background.ts';
import type { Executor } from '../compute/executor.ts';
import { Duty } from '../duty.ts';
import type { Notices } from '../notices.ts';
import type { TaskQueues } from '../redis/task-queues.ts';
import type { Dispatcher } from './dispatcher.ts';

/** Covers doorbells that were lost, and leases of nodes that died. */
const sweepMs = 1_000;
/** Well within the first lease of 5 s. */
const heartbeatMs = 2_000;
const mostPerClaim = 64;

/**
 * Takes work from the queues of the types that this node offers, as much as it has room for, and holds the leases while it
 * runs. A queue is only asked when its bell has rung, when something of it has just ended here, and now and then.
 */
export class QueueWorker {
  readonly #node: string;
  readonly #queues: TaskQueues;
  readonly #executor: Executor;
  readonly #dispatcher: Dispatcher;
  readonly #background: Background;
  readonly #notices: Notices;
  readonly #sweep: Duty;
  readonly #heartbeat: Duty;
  readonly #wanted = new Set<string>();
  #claiming = false;
  #draining = false;

  constructor(parts: {
    node: string;
    queues: TaskQueues;
    executor: Executor;
    dispatcher: Dispatcher;
    background: Background;
    notices: Notices;
  }) {
    this.#node = parts.node;
    this.#queues = parts.queues;
    this.#executor = parts.executor;
    this.#dispatcher = parts.dispatcher;
    this.#background = parts.background;
    this.#notices = parts.notices;
    this.#sweep = new Duty(
      'sweep task queues',
      sweepMs,
      parts.notices,
      async () => await this.#sweepAll(),
    );
    this.#heartbeat = new Duty(
      'hold leases',
      heartbeatMs,
      parts.notices,
      async () => await this.#holdLeases(),
    );
  }

  /** Takes work, from now on or again. */
  start(): void {
    this.#draining = false;
    this.#sweep.start();
    this.#heartbeat.start();
  }

  /** Takes no more; leases of what still runs are held on. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#sweep.stop();
  }

  async stop(): Promise<void> {
    await this.drain();
    await this.#heartbeat.stop();
  }

  /** There may be work in this queue. */
  rung(queue: string): void {
    if (this.#draining || !this.#executor.offers.has(queue)) return;
    this.#wanted.add(queue);
    if (this.#claiming) return;
    this.#claiming = true;
    this.#background.run('take queued tasks', async () => {
      try {
        await this.#claimWanted();
      } finally {
        this.#claiming = false;
      }
    });
  }

  /** The queue may forget the work; when it cannot be told, the lease runs out. */
  async done(work: Work): Promise<void> {
    try {
      await this.#queues.done(work.queue, this.#node, [workKey(work)]);
    } catch (error) {
      this.#notices.emit('duty.failed', { duty: 'finish a queued task', error });
    }
    this.rung(work.queue);
  }

  async #claimWanted(): Promise<void> {
    for (const queue of this.#wanted) {
      const room = Math.min(this.#executor.free, mostPerClaim);
      // What is wanted stays so, until something ends here or the sweep comes.
      if (room <= 0 || this.#draining) return;
      this.#wanted.delete(queue);
      const { items, poisoned, remaining } = await this.#queues.claim(queue, this.#node, room);
      for (const { payload } of items) this.#dispatcher.run(parse(payload), true);
      for (const { payload } of poisoned) this.#dispatcher.giveUp(parse(payload), poison);
      if (remaining > 0 && items.length > 0) this.#wanted.add(queue);
    }
  }

  async #sweepAll(): Promise<void> {
    const queues = [...this.#executor.offers];
    const depths = await this.#queues.depth(queues);
    for (const [queue, { ready, leased }] of depths) {
      // A leased one may be a dead node's: only a claim finds out.
      if (ready > 0 || leased > 0) this.rung(queue);
    }
  }

  async #holdLeases(): Promise<void> {
    for (const [queue, works] of this.#dispatcher.queuedHere()) {
      const gone = new Set(await this.#queues.heartbeat(queue, this.#node, works.map(workKey)));
      for (const work of works) {
        if (gone.has(workKey(work)))
          this.#dispatcher.abortHere(work, 'its lease was lost or canceled');
      }
    }
  }
}

function parse(payload: string): Work {
  const work: Work = JSON.parse(payload);
  return work;
}

const poison: Outcome = {
  status: 'failed',
  failure: {
    kind: 'poisoned',
    name: 'PoisonedTaskError',
    message: 'it was handed out too often to nodes that did not finish it',
    retryable: false,
  },
};
