import type { LogLine, Outcome, Progress, Work } from '#actors/work.ts';

import { Backlog } from './backlog.ts';
import type { Errand, ErrandOwner, Place } from './errand.ts';
import type { Registry } from './registry.ts';
import { Reports, type ReportsOut } from './reports.ts';
import { abortError, canceledFailure, type Host, type Limits, runWork } from './run-work.ts';

/** Runs errands on the main thread, for handlers that are closures. Nothing here can be killed, or kept from blocking. */
export class InlinePlace implements Place {
  readonly #setup: InlineSetup;
  readonly #owner: ErrandOwner;
  readonly #backlog = new Backlog();
  readonly #running = new Map<Errand, InlineHost>();
  #isStopping = false;
  #isDispatchDue = false;

  constructor(setup: InlineSetup, owner: ErrandOwner) {
    this.#setup = setup;
    this.#owner = owner;
  }

  get queued(): number {
    return this.#backlog.size;
  }

  get busy(): number {
    return this.#running.size;
  }

  get running(): readonly Errand[] {
    return [...this.#running.keys()];
  }

  add(errand: Errand): void {
    errand.place = this;
    this.#backlog.push(errand);
    this.#dispatchSoon();
  }

  abort(errand: Errand): void {
    const host = this.#running.get(errand);
    const reason = errand.abortReason ?? 'aborted';
    if (host === undefined) {
      this.#backlog.drop();
      this.#finish(errand, `It was stopped before it began: ${reason}`);
      return;
    }
    const { graceMs } = this.#setup;
    // First the timer: a listener of the signal may throw.
    errand.grace = setTimeout(() => {
      this.#running.delete(errand);
      const late = `It did not stop within ${graceMs} ms after it was asked to (${reason})`;
      this.#finish(
        errand,
        `${late}; its code still runs on the main thread, where it is a closure.`,
      );
      this.#dispatchSoon();
    }, graceMs);
    host.abort(reason);
  }

  release(): Errand[] {
    this.#isStopping = true;
    return this.#backlog.clear();
  }

  #finish(errand: Errand, message: string): void {
    this.#owner.finished(errand, { status: 'failed', failure: canceledFailure(message) });
  }

  #dispatchSoon(): void {
    if (this.#isDispatchDue) return;
    this.#isDispatchDue = true;
    queueMicrotask(() => {
      this.#isDispatchDue = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (!this.#isStopping && this.#running.size < this.#setup.concurrency) {
      const errand = this.#backlog.shift();
      if (errand === null) return;
      void this.#run(errand);
    }
  }

  async #run(errand: Errand): Promise<void> {
    const host = new InlineHost(errand, this.#setup, this.#owner);
    this.#running.set(errand, host);
    this.#owner.begun(errand, Date.now());
    // A copy, as a thread would get it: a handler that changes its input must not change its owner's state.
    const work: Work = JSON.parse(JSON.stringify(errand.work));
    const text = await runWork(work, this.#setup.registry, host);
    host.reports.close();
    if (errand.ended) return;
    this.#running.delete(errand);
    const outcome: Outcome = JSON.parse(text);
    this.#owner.finished(errand, outcome);
    this.#dispatchSoon();
  }
}

export interface InlineSetup {
  readonly registry: Registry;
  readonly node: string;
  readonly limits: Limits;
  readonly concurrency: number;
  readonly graceMs: number;
}

class InlineHost implements Host, ReportsOut {
  readonly node: string;
  readonly limits: Limits;
  readonly reports = new Reports(this);
  abortReason: string | null = null;
  readonly #errand: Errand;
  readonly #owner: ErrandOwner;
  readonly #controller = new AbortController();

  constructor(errand: Errand, setup: InlineSetup, owner: ErrandOwner) {
    this.node = setup.node;
    this.limits = setup.limits;
    this.#errand = errand;
    this.#owner = owner;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: string): void {
    this.abortReason = reason;
    this.#controller.abort(abortError(reason));
  }

  progressed(progress: Progress): void {
    if (!this.#errand.ended) this.#owner.progressed(this.#errand, progress);
  }

  logged(line: LogLine): void {
    if (!this.#errand.ended) this.#owner.logged(this.#errand, line);
  }
}
