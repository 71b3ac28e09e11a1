import type { Command, Effect, Envelope } from '#actors/message.ts';
import { anyNode } from '#actors/message.ts';
import type { Outcome, Progress, Work, WorkRef } from '#actors/work.ts';
import { workKey } from '#actors/work.ts';

import type { Background } from '../background.ts';
import { deliveryKey } from '../compute/delivery-key.ts';
import type { Executor } from '../compute/executor.ts';
import type { Membership } from '../members/membership.ts';
import type { Presence } from '../members/presence.ts';
import type { Courier } from '../messages/courier.ts';
import type { Notices } from '../notices.ts';
import type { Doorbells } from '../redis/doorbells.ts';
import type { TaskQueues } from '../redis/task-queues.ts';
import type { Engine } from '../shards/engine.ts';
import type { AttemptSpan, Tracing } from '../tracing/tracing.ts';

/** A task that ends sooner is not told as started by a message of its own: its end says when it began. */
const tellStartedAfterMs = 20;
/** Work that waits here for a thread, per free slot of the pool, before more is given to other nodes. */
const backlogPerSlot = 2;
const forgetPlacedMs = 2_000;

/**
 * Gets work done: on this node when it has the code and room, through the queue of its type otherwise; and brings what
 * becomes of it back to the actor, wherever that lives by then.
 *
 * D1 a result reaches its actor before the queue forgets the work, so a crash in between repeats the work and loses nothing;
 * D2 what cannot be delivered now is delivered later, as long as this process lives.
 */
export class Dispatcher {
  readonly #node: string;
  readonly #presence: Presence;
  readonly #engine: Engine;
  readonly #executor: Executor;
  readonly #courier: Courier;
  readonly #queues: TaskQueues;
  readonly #doorbells: Doorbells;
  readonly #membership: Membership;
  readonly #notices: Notices;
  readonly #background: Background;
  readonly #tracing: Tracing;
  readonly #onQueuedDone: (work: Work) => Promise<void>;
  readonly #running = new Map<string, Running>();
  /** Ended, and on the way to actors elsewhere. */
  readonly #delivering = new Set<string>();
  readonly #startedLately: {
    readonly running: Running;
    readonly at: number;
    readonly since: number;
  }[] = [];
  readonly #placed: number[] = [];
  #stopped = false;

  constructor(parts: {
    node: string;
    presence: Presence;
    engine: Engine;
    executor: Executor;
    courier: Courier;
    queues: TaskQueues;
    doorbells: Doorbells;
    membership: Membership;
    notices: Notices;
    background: Background;
    tracing: Tracing;
    /** Work that came through a queue has ended; the queue may forget it. Never rejects. */
    onQueuedDone(work: Work): Promise<void>;
  }) {
    this.#node = parts.node;
    this.#presence = parts.presence;
    this.#engine = parts.engine;
    this.#executor = parts.executor;
    this.#courier = parts.courier;
    this.#queues = parts.queues;
    this.#doorbells = parts.doorbells;
    this.#membership = parts.membership;
    this.#notices = parts.notices;
    this.#background = parts.background;
    this.#tracing = parts.tracing;
    this.#onQueuedDone = async (work) => await parts.onQueuedDone(work);
  }

  /** This node, when it can do the work soon; else whichever node takes it from the queue. */
  place(queue: string): string {
    const executor = this.#executor;
    if (!this.#presence.takesWork || !executor.offers.has(queue)) return anyNode;
    const coming = this.#coming();
    const waiting = executor.queued + Math.max(0, coming - executor.free);
    const begun = this.#running.size - executor.queued;
    const roomy = coming < executor.free || waiting < backlogPerSlot * begun;
    if (!roomy && this.#othersOffer(queue)) return anyNode;
    this.#placed.push(performance.now());
    return this.#node;
  }

  /** Placed here by decisions that are not committed yet. One that never is, is forgotten after a while. */
  #coming(): number {
    const since = performance.now() - forgetPlacedMs;
    while ((this.#placed[0] ?? Infinity) < since) this.#placed.shift();
    return this.#placed.length;
  }

  /** Gives up what could not be delivered until now: the owners find it missing. */
  stop(): void {
    this.#stopped = true;
  }

  execute(work: Work, where: string): void {
    if (where !== this.#node) {
      this.enqueue(work.queue, [work]);
      return;
    }
    this.#placed.shift();
    this.run(work, false);
  }

  /** Runs work here; `queued` when it came from the queue of its type. */
  run(work: Work, queued: boolean): void {
    const key = deliveryKey(work);
    const running = this.#running.get(key);
    if (running !== undefined) {
      // The queue has lost sight of it, or its lease ran out: it is held again from now on.
      running.queued ||= queued;
      return;
    }
    const traced = this.#tracing.attempt(work);
    this.#running.set(key, { work, queued, span: traced?.span ?? null, ended: false });
    this.#executor.run(traced?.work ?? work);
  }

  /** Puts work of one type into its queue; putting it there again changes nothing. */
  enqueue(queue: string, works: readonly Work[]): void {
    this.#background.run('queue tasks', async () => {
      await this.#queues.push(
        queue,
        works.map((work) => ({
          key: workKey(work),
          priority: work.priority,
          payload: JSON.stringify(work),
        })),
      );
      await Promise.all(
        this.#membership
          .live()
          .filter(({ info }) => !info.draining && info.offers.includes(queue))
          .map(async ({ id }) => await this.#doorbells.ring(id, [`q${queue}`])),
      );
    });
  }

  abort({ ref, queue, where, reason }: Extract<Effect, { type: 'abort' }>): void {
    if (this.#running.has(deliveryKey(ref))) {
      this.#executor.abort(ref, reason);
      return;
    }
    if (where !== null && where !== anyNode && where !== this.#node) {
      this.#courier.post(where, { t: 'abort', ref, reason });
    }
    this.#background.run('cancel a queued task', async () => {
      const { holder } = await this.#queues.cancel(queue, workKey(ref));
      if (holder !== null && holder !== where) {
        this.#courier.post(holder, { t: 'abort', ref, reason });
      }
    });
  }

  /** Stops an attempt that runs here, at the word of its owner elsewhere. */
  abortHere(ref: WorkRef, reason: string): void {
    this.#executor.abort(ref, reason);
  }

  /** Keys of the queued work that runs here, by queue. */
  queuedHere(): ReadonlyMap<string, readonly Work[]> {
    const byQueue = new Map<string, Work[]>();
    for (const { work, queued } of this.#running.values()) {
      if (!queued) continue;
      const same = byQueue.get(work.queue);
      if (same === undefined) byQueue.set(work.queue, [work]);
      else same.push(work);
    }
    return byQueue;
  }

  /** Whether work is in this node's hands: waits, runs, or has ended and is on its way to its actor. */
  holds(ref: WorkRef): boolean {
    const key = deliveryKey(ref);
    return this.#running.has(key) || this.#delivering.has(key);
  }

  /** Takes queued work out of the hands of a node that is gone. */
  forfeit(queue: string, holder: string, works: readonly Work[]): void {
    this.#background.run('end the leases of a node that is gone', async () => {
      await this.#queues.expire(queue, holder, works.map(workKey));
    });
  }

  /** The work that an event of the executor is about. */
  work(ref: WorkRef): Work | null {
    return this.#running.get(deliveryKey(ref))?.work ?? null;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  started(ref: WorkRef, at: number): void {
    const key = deliveryKey(ref);
    const running = this.#running.get(key);
    if (running === undefined || running.work.job.kind === 'turn') return;
    this.#notices.emit('task.started', { key });
    running.span?.began(at);
    this.#startedLately.push({ running, at, since: performance.now() });
    if (this.#startedLately.length > 1) return;
    setTimeout(() => this.#tellStarted(), tellStartedAfterMs);
  }

  progressed(ref: WorkRef, progress: Progress): void {
    const running = this.#running.get(deliveryKey(ref));
    if (running?.work.job.kind !== 'task') return;
    this.#tell(running.work, {
      type: 'task.progressed',
      step: ref.task,
      attempt: ref.attempt,
      progress,
    });
  }

  /** Returns the work that has ended; null when nobody knows of it. */
  finished(ref: WorkRef, outcome: Outcome, startedAt: number | null): Work | null {
    const key = deliveryKey(ref);
    const running = this.#running.get(key);
    if (running === undefined) return null;
    this.#running.delete(key);
    running.ended = true;
    const { work, queued, span } = running;
    this.#notices.emit('task.ended', { key, status: outcome.status, work, outcome, startedAt });
    span?.ended(outcome);
    const command = this.#ended(work, outcome, startedAt);
    if (!queued && this.#engine.tell(work.actor, command, span?.trace)) return work;
    this.#delivering.add(key);
    this.#background.run('deliver a result', async () => {
      // What is handed back goes into the queue again, where it must not be met as still there.
      if (queued && outcome.status === 'released') await this.#onQueuedDone(work);
      await this.#deliver(work, command, span?.trace);
      if (queued && outcome.status !== 'released') await this.#onQueuedDone(work);
      this.#delivering.delete(key);
    });
    return work;
  }

  /** Tells the actor the end of work that is not going to be done. */
  giveUp(work: Work, outcome: Outcome): void {
    this.#background.run('give up a task', async () => {
      await this.#deliver(work, this.#ended(work, outcome, null));
    });
  }

  #ended(work: Work, outcome: Outcome, startedAt: number | null): Command {
    const { task, attempt, delivery } = work;
    const from = { node: this.#node, delivery, outcome };
    return work.job.kind === 'turn'
      ? { type: 'turn.ended', turn: task, ...from }
      : { type: 'task.ended', step: task, attempt, startedAt, ...from };
  }

  /** Whatever a node may say of its work that is not its result: lost when it cannot be said now. */
  #tell(work: Work, command: Command): void {
    if (this.#engine.tell(work.actor, command)) return;
    this.#background.run('tell of a task', async () => {
      await this.#courier.send(this.#envelope(work, command));
    });
  }

  async #deliver(work: Work, command: Command, trace?: string): Promise<void> {
    for (let pauseMs = 50; !this.#stopped; pauseMs = Math.min(2 * pauseMs, 2_000)) {
      try {
        if (this.#engine.tell(work.actor, command, trace)) return;
        await this.#courier.send(this.#envelope(work, command, trace));
        return;
      } catch (error) {
        this.#notices.emit('duty.failed', { duty: 'deliver a result', error });
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  #envelope(work: Work, command: Command, trace?: string): Envelope {
    const id = `${workKey(work)}:${command.type}`;
    return { id, to: work.actor, command, ...(trace === undefined ? {} : { trace }) };
  }

  #tellStarted(): void {
    const now = performance.now();
    let next = this.#startedLately[0];
    while (next !== undefined && now - next.since >= tellStartedAfterMs) {
      this.#startedLately.shift();
      const { work, ended } = next.running;
      if (!ended) {
        const { task: step, attempt, delivery } = work;
        const { at } = next;
        this.#tell(work, { type: 'task.started', step, attempt, delivery, node: this.#node, at });
      }
      next = this.#startedLately[0];
    }
    if (next !== undefined) setTimeout(() => this.#tellStarted(), tellStartedAfterMs);
  }

  #othersOffer(queue: string): boolean {
    return this.#membership
      .live()
      .some(({ id, info }) => id !== this.#node && !info.draining && info.offers.includes(queue));
  }
}

interface Running {
  readonly work: Work;
  /** It came from the queue of its type. */
  queued: boolean;
  /** When it is traced. */
  readonly span: AttemptSpan | null;
  ended: boolean;
}
