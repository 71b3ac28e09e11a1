import type { Definition } from '#actors/definition.ts';
import {
  type LogLine,
  type Outcome,
  type Progress,
  type Work,
  type WorkRef,
} from '#actors/work.ts';

import { Crew, type CrewSetup } from './crew.ts';
import { deliveryKey } from './delivery-key.ts';
import { Errand, type ErrandOwner, type Place } from './errand.ts';
import { InlinePlace } from './inline-place.ts';
import { jsonText } from './json-text.ts';
import { Registry } from './registry.ts';
import { canceledFailure, noHandler, prepare, safeFailure } from './run-work.ts';

/**
 * Runs user code: attempts of tasks and turns of actors.
 *
 * E1  Every `run()` has exactly one `finished`, whatever user code does, and none of its other events comes after it.
 * E2  `started` comes before anything else of a work. It comes again when the thread died under an innocent, which then runs anew.
 * E3  What one attempt does to its thread costs no other attempt anything but time.
 */
export class Executor implements ErrandOwner {
  readonly #options: ExecutorOptions;
  /** What threads can run. */
  readonly #threaded: Registry;
  /** That, and what only the main thread can. */
  readonly #all: Registry;
  #offers: ReadonlySet<string>;
  readonly #shared: Crew;
  readonly #alone: Crew;
  readonly #inline: InlinePlace;
  readonly #errands = new Map<string, Errand>();
  #stopped: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;

  /** Resolves when the modules are imported here; threads warm up in the background. */
  static async start(options: ExecutorOptions): Promise<Executor> {
    const threaded = await Registry.load(options.modules, (message) => options.warn(message));
    return new Executor(options, threaded);
  }

  private constructor(options: ExecutorOptions, threaded: Registry) {
    const { node, modules, threads, concurrency, isolatedThreads, graceMs = 5000 } = options;
    const limits = {
      warnBytes: options.warnBytes ?? 512 * 1024,
      maxBytes: options.maxBytes ?? 2 * 1024 * 1024,
    };
    this.#options = options;
    this.#threaded = threaded;
    this.#all = new Registry();
    for (const definition of threaded.definitions) this.#all.add(definition, 'a task module');
    for (const definition of options.inline) this.#all.add(definition, inlineSource);
    this.#offers = this.#all.offers;
    this.#inline = new InlinePlace(
      { registry: this.#all, node, limits, concurrency, graceMs },
      this,
    );
    const common = {
      modules,
      node,
      limits,
      graceMs,
      maxOldGenerationMb: options.maxOldGenerationMb,
    };
    this.#shared = new Crew(
      {
        ...common,
        isAlone: false,
        // A node whose handlers are all closures needs no threads.
        threads: modules.length === 0 ? 0 : threads,
        spares: threads,
        capacity: Math.max(1, Math.ceil(concurrency / threads)),
        concurrency,
        takeBackAfterMs: 50,
      } satisfies CrewSetup,
      this,
    );
    // At least one: suspects of the shared threads need it too.
    const alone = Math.max(1, isolatedThreads);
    this.#alone = new Crew(
      {
        ...common,
        isAlone: true,
        threads: alone,
        spares: 0,
        capacity: 1,
        concurrency: alone,
        // Only what an earlier attempt left behind can block it, and then it is terminated: no hurry.
        takeBackAfterMs: 1000,
      } satisfies CrewSetup,
      this,
    );
  }

  /** All that was found in modules and inline. */
  get definitions(): readonly Definition[] {
    return this.#all.definitions;
  }

  /** Queue keys: task types, `workflow/step` of handlers in place, `actor:name`. */
  get offers(): ReadonlySet<string> {
    return this.#offers;
  }

  /** How many more works could begin at once now, in the shared threads. */
  get free(): number {
    if (this.#stopped !== null) return 0;
    const taken = this.#shared.busy + this.#inline.busy + this.queued;
    return Math.max(0, this.#options.concurrency - taken);
  }

  /** Handed in, but not begun. */
  get queued(): number {
    return this.#shared.queued + this.#alone.queued + this.#inline.queued;
  }

  /** Never throws; everything that can go wrong is an outcome. */
  run(work: Work): void {
    const errand = new Errand(work);
    this.#errands.set(deliveryKey(work), errand);
    if (this.#stopped !== null) {
      this.#finishSoon(errand, released('the node is stopping'));
      return;
    }
    const route = this.#route(work);
    if (route === 'none') {
      const failure = noHandler(work, this.#offers);
      this.#finishSoon(errand, { status: 'failed', failure });
    } else if (route === 'inline') {
      this.#inline.add(errand);
    } else if (route === 'prepare') {
      void this.#prepare(errand);
    } else {
      this.#threadsFor(work).add(errand);
    }
  }

  /** Asks it to stop; it ends in its own way within the grace period, or is ended. */
  abort(ref: WorkRef, reason: string): void {
    const errand = this.#errands.get(deliveryKey(ref));
    if (errand === undefined || errand.ended || errand.abortReason !== null) return;
    errand.abortReason = reason;
    if (errand.place === null) {
      this.finished(errand, { status: 'failed', failure: canceledFailure(reason) });
    } else {
      errand.place.abort(errand);
    }
  }

  /** Registers one more definition, whose code runs on the main thread. */
  add(definition: Definition): void {
    if (this.#all.has(definition)) return;
    this.#all.add(definition, inlineSource);
    this.#offers = this.#all.offers;
  }

  stats(): ExecutorStats {
    const { concurrency, isolatedThreads } = this.#options;
    return {
      threads: this.#shared.threads,
      busy: this.#shared.busy,
      queued: this.#shared.queued,
      capacity: concurrency,
      isolated: {
        threads: this.#alone.threads,
        busy: this.#alone.busy,
        queued: this.#alone.queued,
        capacity: Math.max(1, isolatedThreads),
      },
      inline: { busy: this.#inline.busy, queued: this.#inline.queued, capacity: concurrency },
    };
  }

  /** No new work begins; what runs has `graceMs`, is then aborted and released; then the threads end. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    await this.#stopped;
  }

  begun(errand: Errand, at: number): void {
    if (errand.ended || errand.startedAt !== null) return;
    errand.startedAt = at;
    this.#tell(() => this.#options.events.started(errand.work, at));
  }

  progressed(errand: Errand, progress: Progress): void {
    if (!errand.ended) this.#tell(() => this.#options.events.progressed(errand.work, progress));
  }

  logged(errand: Errand, line: LogLine): void {
    if (!errand.ended) this.#tell(() => this.#options.events.logged(errand.work, line));
  }

  finished(errand: Errand, outcome: Outcome): void {
    if (errand.ended) return;
    errand.ended = true;
    if (errand.grace !== null) clearTimeout(errand.grace);
    const key = deliveryKey(errand.work);
    if (this.#errands.get(key) === errand) this.#errands.delete(key);
    this.#tell(() => this.#options.events.finished(errand.work, outcome, errand.startedAt));
    if (this.#errands.size === 0) this.#onIdle?.();
  }

  suspected(errand: Errand): void {
    if (this.#stopped === null) this.#alone.add(errand);
    else this.finished(errand, released('its thread died while the node was stopping'));
  }

  warn(message: string): void {
    this.#options.warn(message);
  }

  async #stop(graceMs: number): Promise<void> {
    const places: readonly Place[] = [this.#shared, this.#alone, this.#inline];
    const unbegun = new Set(places.flatMap((place) => place.release()));
    for (const errand of this.#errands.values()) {
      // Those whose `when` is being evaluated are nowhere yet.
      if (errand.place === null) unbegun.add(errand);
    }
    for (const errand of unbegun) this.finished(errand, released('the node is stopping'));
    if (!(await this.#idleWithin(graceMs))) {
      for (const errand of this.#errands.values()) {
        if (errand.abortReason === null) {
          errand.abortReason = 'the node is stopping';
          errand.place?.abort(errand);
        }
        const reason = `the node stopped before it ended, ${graceMs} ms after it was told to`;
        this.finished(errand, released(reason));
      }
      // A moment for handlers to see their signal.
      await new Promise((resolve) => setTimeout(resolve, Math.min(100, graceMs)));
    }
    await Promise.all([this.#shared.destroy(), this.#alone.destroy()]);
  }

  async #idleWithin(ms: number): Promise<boolean> {
    if (this.#errands.size === 0) return true;
    const idle = Promise.withResolvers<boolean>();
    this.#onIdle = () => idle.resolve(true);
    const timer = setTimeout(() => idle.resolve(false), ms);
    try {
      return await idle.promise;
    } finally {
      clearTimeout(timer);
      this.#onIdle = null;
    }
  }

  /**
   * Where a work can run. `prepare`: its handler is in a module, but `when` or `map` came with a definition that only the main
   * thread has, so those are evaluated here and the handler runs in a thread.
   */
  #route(work: Work): 'thread' | 'inline' | 'prepare' | 'none' {
    const { job, queue } = work;
    if (job.kind === 'turn') {
      const actor = this.#all.actor(job.name);
      if (actor === null) return 'none';
      return actor === this.#threaded.actor(job.name) ? 'thread' : 'inline';
    }
    const handler = this.#all.handler(queue, job);
    if (handler === null) return 'none';
    if (handler !== this.#threaded.handler(queue, job)) return 'inline';
    const step = this.#all.step(job);
    const hasCode = step?.when !== undefined || step?.map !== undefined;
    return hasCode && step !== this.#threaded.step(job) ? 'prepare' : 'thread';
  }

  #threadsFor(work: Work): Crew {
    return work.isolate ? this.#alone : this.#shared;
  }

  async #prepare(errand: Errand): Promise<void> {
    const { work } = errand;
    if (work.job.kind === 'turn') return;
    try {
      const prepared = await prepare(work.job, this.#all);
      if (errand.ended) return;
      if (typeof prepared === 'string') {
        // Written by run-work.ts from an Outcome.
        const outcome: Outcome = JSON.parse(prepared);
        this.finished(errand, outcome);
        return;
      }
      const json = jsonText(prepared.input);
      if (!json.ok) throw new TypeError(`The mapped input is not JSON: ${json.problem}.`);
      errand.prepared = prepared;
      this.#threadsFor(work).add(errand);
    } catch (error) {
      this.finished(errand, { status: 'failed', failure: safeFailure(error) });
    }
  }

  /** Never inside `run()`: its caller may not expect the outcome yet. */
  #finishSoon(errand: Errand, outcome: Outcome): void {
    queueMicrotask(() => this.finished(errand, outcome));
  }

  /** A listener that throws must not stop the reports of other works. */
  #tell(event: () => void): void {
    try {
      event();
    } catch (error) {
      this.#options.warn(`A listener of the executor threw: ${String(error)}`);
    }
  }
}

export interface ExecutorEvents {
  /** The handler begins. `at` is milliseconds since the epoch. */
  started(work: WorkRef, at: number): void;
  /** At most every 100 ms per attempt; the newest is always told. */
  progressed(work: WorkRef, progress: Progress): void;
  logged(work: WorkRef, line: LogLine): void;
  /** Exactly once per `run()`. */
  finished(work: WorkRef, outcome: Outcome, startedAt: number | null): void;
}

export interface ExecutorOptions {
  /** `file:` URLs of task modules, imported by the main thread and by each other thread. */
  readonly modules: readonly string[];
  /** Definitions whose code is closures of this process, and runs on the main thread. */
  readonly inline: readonly Definition[];
  readonly node: string;
  readonly threads: number;
  /** Attempts running at once in shared threads, and as many again on the main thread. */
  readonly concurrency: number;
  readonly isolatedThreads: number;
  /** From an abort to the end of patience. Default 5000. */
  readonly graceMs?: number;
  readonly maxOldGenerationMb?: number;
  /** Default 512 KiB. */
  readonly warnBytes?: number;
  /** Default 2 MiB. */
  readonly maxBytes?: number;
  readonly events: ExecutorEvents;
  warn(message: string): void;
}

/** The shared threads, those that an attempt has alone, and the main thread. */
export interface ExecutorStats extends PlaceStats {
  readonly threads: number;
  readonly isolated: PlaceStats & { readonly threads: number };
  readonly inline: PlaceStats;
}

interface PlaceStats {
  /** Attempts that run. */
  readonly busy: number;
  /** Attempts that wait for room. */
  readonly queued: number;
  /** How many may run at once. */
  readonly capacity: number;
}

const inlineSource = 'a definition given inline';

function released(reason: string): Outcome {
  return { status: 'released', reason };
}
