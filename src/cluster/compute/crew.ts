import { Piscina } from 'piscina';

import type { Failure } from '#actors/failure.ts';
import type { LogLine, Outcome, Progress } from '#actors/work.ts';

import { Backlog } from './backlog.ts';
import type { Errand, ErrandOwner, Place } from './errand.ts';
import { Lane, type LaneOwner, type LaneSetup, type Remains } from './lane.ts';
import { canceledFailure, safeFailure } from './run-work.ts';

/**
 * Threads of one kind with the backlog before them. Two kinds exist: threads that many attempts **share**, and threads
 * that an attempt has **alone**, which may be terminated under it.
 *
 * T1  A work is in one lane at most; it changes lanes only by a revocation that its thread cannot miss.
 * T2  A thread that is shared is terminated only when it does not respond. Those that had begun in it are suspects, and run again
 *     alone; those that had not go back to the head of the backlog.
 * T3  A thread that an attempt has alone may die; the attempt dies with it, and is told why.
 * T4  There are never more than `threads + spares` lanes.
 */
export class Crew implements Place, LaneOwner {
  readonly #setup: CrewSetup;
  readonly #owner: ErrandOwner;
  readonly #pool: Piscina;
  readonly #backlog = new Backlog();
  readonly #lanes = new Set<Lane>();
  readonly #laneOf = new Map<Errand, Lane>();
  #isStopping = false;
  #isDispatchDue = false;
  #watch: NodeJS.Timeout | null = null;
  #probe: NodeJS.Timeout | null = null;
  #restart: NodeJS.Timeout | null = null;

  constructor(setup: CrewSetup, owner: ErrandOwner) {
    this.#setup = setup;
    this.#owner = owner;
    this.#pool = new Piscina({
      filename: threadFile,
      minThreads: 0,
      maxThreads: setup.threads + setup.spares,
      concurrentTasksPerWorker: 1,
      // Its blocking wait between tasks would stop the timers of what a lane left behind; a lane needs none of it.
      atomics: 'disabled',
      recordTiming: false,
      ...(setup.maxOldGenerationMb === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: setup.maxOldGenerationMb } }),
    });
    this.#pool.on('error', (error: unknown) => owner.warn(`A thread failed: ${String(error)}`));
    if (!setup.isAlone) this.#ensureLanes();
  }

  get queued(): number {
    return this.#backlog.size;
  }

  get busy(): number {
    return this.#laneOf.size;
  }

  get threads(): number {
    return this.#lanes.size;
  }

  get running(): readonly Errand[] {
    return [...this.#lanes].flatMap((lane) => lane.running);
  }

  add(errand: Errand): void {
    errand.place = this;
    this.#backlog.push(errand);
    this.#dispatchSoon();
  }

  abort(errand: Errand): void {
    const lane = this.#laneOf.get(errand);
    const reason = errand.abortReason ?? 'aborted';
    if (lane === undefined) {
      this.#backlog.drop();
      this.#owner.finished(errand, neverBegan(reason));
    } else if (lane.revoke(errand)) {
      this.#laneOf.delete(errand);
      this.#owner.finished(errand, neverBegan(reason));
    } else {
      lane.abort(errand, reason);
      errand.grace = setTimeout(() => this.#graceOver(errand, reason), this.#setup.graceMs);
    }
  }

  release(): Errand[] {
    this.#isStopping = true;
    const released = this.#backlog.clear();
    for (const lane of this.#lanes) {
      for (const errand of lane.takeBack()) {
        this.#laneOf.delete(errand);
        released.push(errand);
      }
    }
    return released;
  }

  /** Ends the threads, with whatever runs in them. */
  async destroy(): Promise<void> {
    this.#isStopping = true;
    if (this.#watch !== null) clearTimeout(this.#watch);
    if (this.#probe !== null) clearTimeout(this.#probe);
    if (this.#restart !== null) clearTimeout(this.#restart);
    for (const lane of this.#lanes) lane.kill();
    this.#lanes.clear();
    this.#laneOf.clear();
    await this.#pool.destroy();
  }

  begun(errand: Errand, at: number): void {
    this.#owner.begun(errand, at);
  }

  progressed(errand: Errand, progress: Progress): void {
    this.#owner.progressed(errand, progress);
  }

  logged(errand: Errand, line: LogLine): void {
    this.#owner.logged(errand, line);
  }

  finished(errand: Errand, outcome: Outcome): void {
    this.#laneOf.delete(errand);
    this.#owner.finished(errand, outcome);
  }

  warn(message: string): void {
    this.#owner.warn(message);
  }

  drained(lane: Lane): void {
    this.#dispatch();
    if (this.#lanes.size > this.#setup.threads) this.#retire(lane);
  }

  /** One lane less, when enough others turn again. */
  #retire(lane: Lane): void {
    const turning = [...this.#lanes].filter((other) => other.blockedSince === null);
    if (!lane.isReady || lane.busy > 0 || turning.length <= this.#setup.threads) return;
    this.#lanes.delete(lane);
    lane.close();
  }

  died(lane: Lane, error: unknown, remains: Remains, wasReady: boolean): void {
    this.#lanes.delete(lane);
    this.#settle(remains, (errand) =>
      this.#setup.isAlone ? failedBy(this.#deathOf(error)) : this.#suspect(errand),
    );
    if (wasReady) {
      if (!this.#setup.isAlone) this.#owner.warn(`A shared thread died: ${describe(error)}`);
      this.#dispatch();
      return;
    }
    // A thread that dies before it is ready would do so again at once.
    this.#owner.warn(`A thread did not start, next try in ${restartMs} ms: ${describe(error)}`);
    this.#restart ??= setTimeout(() => {
      this.#restart = null;
      this.#dispatch();
    }, restartMs);
  }

  /** Once per turn of the event loop's microtasks, so that works handed in together travel together. */
  #dispatchSoon(): void {
    if (this.#isDispatchDue) return;
    this.#isDispatchDue = true;
    queueMicrotask(() => {
      this.#isDispatchDue = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#isStopping) return;
    this.#ensureLanes();
    while (this.#backlog.size > 0 && this.#laneOf.size < this.#setup.concurrency) {
      const lane = this.#roomiest();
      if (lane === null) break;
      const errand = this.#backlog.shift();
      if (errand === null) break;
      this.#laneOf.set(errand, lane);
      lane.put(errand);
    }
    for (const lane of this.#lanes) lane.flush();
    if (this.#laneOf.size > 0) this.#keepWatch();
  }

  #roomiest(): Lane | null {
    let best: Lane | null = null;
    let room = 0;
    for (const lane of this.#lanes) {
      if (lane.room <= room) continue;
      best = lane;
      room = lane.room;
    }
    return best;
  }

  #ensureLanes(): void {
    const { isAlone, threads } = this.#setup;
    if (this.#isStopping || this.#restart !== null) return;
    let wanted = threads;
    if (isAlone) {
      // On demand: most nodes never need them all.
      const idle = [...this.#lanes].filter((lane) => lane.busy === 0).length;
      wanted = Math.min(threads, this.#lanes.size + Math.max(0, this.#backlog.size - idle));
    }
    while (this.#lanes.size < wanted) this.#openLane();
  }

  #openLane(): void {
    this.#lanes.add(new Lane(this.#pool, this.#setup, this));
  }

  /**
   * Looks at the shared memory while something sent has not been told as begun: a short task tells of itself by its
   * result, so a beginning costs a message only when it takes longer than a look.
   */
  #keepWatch(): void {
    this.#watch ??= setTimeout(() => {
      this.#watch = null;
      if (this.#isStopping && this.#laneOf.size === 0) return;
      const now = performance.now();
      let isOpen = false;
      for (const lane of this.#lanes) isOpen = this.#inspect(lane, now) || isOpen;
      if (isOpen) this.#keepWatch();
    }, watchMs);
  }

  #inspect(lane: Lane, now: number): boolean {
    const { waitsMs, isOpen } = lane.inspect(now);
    const { takeBackAfterMs, isAlone, graceMs, threads, spares } = this.#setup;
    if (waitsMs > takeBackAfterMs) {
      lane.blockedSince ??= now;
      const canOther = this.#roomiest() !== null;
      if (canOther || isAlone) this.#takeBack(lane);
      else if (waitsMs > spareAfterMs && this.#lanes.size < threads + spares) this.#openLane();
    }
    if (lane.blockedSince === null) return isOpen;
    // Nothing that anybody waits for is in it: what blocks it was given up before, or was never an attempt's.
    const patience = isAlone ? 0 : graceMs;
    if (lane.busy === 0 && now - lane.blockedSince >= patience) {
      this.#owner.warn('A thread was terminated: code that no attempt answers for blocked it.');
      this.#lanes.delete(lane);
      lane.kill();
      this.#dispatchSoon();
    }
    return true;
  }

  #takeBack(lane: Lane): void {
    for (const errand of lane.takeBack().toReversed()) this.#putBack(errand);
    this.#dispatchSoon();
  }

  #putBack(errand: Errand): void {
    this.#laneOf.delete(errand);
    this.#backlog.pushFront(errand);
  }

  #graceOver(errand: Errand, reason: string): void {
    const lane = this.#laneOf.get(errand);
    if (lane === undefined || errand.ended) return;
    const { isAlone, graceMs } = this.#setup;
    const late = `It did not stop within ${graceMs} ms after it was asked to (${reason})`;
    if (!isAlone && lane.hasHeardAbort(errand)) {
      lane.forget(errand);
      const advice =
        'its code still runs in a shared thread. Declare isolate: true if it must be killable';
      this.finished(errand, failedBy(canceledFailure(`${late}; ${advice}.`)));
      this.#keepProbing();
      this.#dispatch();
      return;
    }
    this.#terminate(lane, (other) => {
      if (other !== errand) return this.#suspect(other);
      const thread = isAlone ? 'its thread' : 'its thread did not respond and';
      return failedBy(crash('TerminatedError', `${late}; ${thread} was terminated.`));
    });
  }

  #terminate(lane: Lane, verdict: (errand: Errand) => Outcome | null): void {
    this.#lanes.delete(lane);
    this.#settle(lane.kill(), verdict);
    this.#dispatch();
  }

  /** Code that was given up may block its thread later, under mates that nobody aborts. */
  #keepProbing(): void {
    this.#probe ??= setTimeout(() => {
      this.#probe = null;
      const now = performance.now();
      for (const lane of this.#lanes) {
        if (!lane.hasForgotten || lane.silence(now) < this.#setup.graceMs) continue;
        this.#owner.warn('A thread was terminated: code that had been given up blocked it.');
        this.#terminate(lane, (errand) => this.#suspect(errand));
      }
      if ([...this.#lanes].some((lane) => lane.hasForgotten)) this.#keepProbing();
    }, probeMs);
  }

  /** What becomes of those whose thread is gone. */
  #settle(remains: Remains, verdict: (errand: Errand) => Outcome | null): void {
    for (const errand of remains.unbegun.toReversed()) this.#putBack(errand);
    for (const errand of remains.begun) {
      const outcome = verdict(errand);
      if (outcome !== null) {
        this.finished(errand, outcome);
        continue;
      }
      this.#laneOf.delete(errand);
      errand.startedAt = null;
      this.#owner.suspected(errand);
    }
  }

  /** A mate of a thread that died: null to run it again, alone; one that was asked to stop has stopped. */
  #suspect(errand: Errand): Outcome | null {
    if (errand.abortReason === null) return null;
    return failedBy(canceledFailure(errand.abortReason));
  }

  #deathOf(error: unknown): Failure {
    if (isOutOfMemory(error)) {
      const limit = this.#setup.maxOldGenerationMb;
      const most = limit === undefined ? '' : ` of ${limit} MB`;
      return crash(
        'OutOfMemoryError',
        `It ran out of memory: its thread's limit${most} was reached.`,
      );
    }
    const { name } = safeFailure(error);
    return crash(name, `It took down its thread: ${describe(error)}`);
  }
}

export interface CrewSetup extends LaneSetup {
  /** One attempt per thread, which may be terminated under it. */
  readonly isAlone: boolean;
  readonly threads: number;
  /** How many threads more may be opened while others are blocked. */
  readonly spares: number;
  /** Running at once in all threads. */
  readonly concurrency: number;
  readonly graceMs: number;
  readonly maxOldGenerationMb: number | undefined;
  /** How long sent work may wait for a thread that does not turn before it is given to another. */
  readonly takeBackAfterMs: number;
}

const threadFile = new URL(
  // The published package is JavaScript.
  import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js',
  import.meta.url,
).href;
const watchMs = 10;
const spareAfterMs = 250;
const restartMs = 1000;
const probeMs = 250;

function failedBy(failure: Failure): Outcome {
  return { status: 'failed', failure };
}

function neverBegan(reason: string): Outcome {
  return failedBy(canceledFailure(`It was stopped before it began: ${reason}`));
}

function crash(name: string, message: string): Failure {
  return { kind: 'crashed', name, message, retryable: true };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
