import type { TaskScheduled, TaskWaiting, WorkflowEvent } from './events.ts';

/*
 * The attempts of a workflow's tasks, as its events tell them. Events are taken in their order, a page at a time, so that a
 * long history is shown while it is still being read.
 */
export interface Attempt {
  readonly step: number;
  /** 1 for the first. */
  readonly number: number;
  /** More than 1 when a node died with the attempt and another was given it. */
  readonly delivery: number;
  readonly scheduledAt: number;
  /** Nothing runs: it waits for its signal. */
  readonly waits: boolean;
  startedAt: number | null;
  endedAt: number | null;
  outcome: Outcome;
  /** Until when the next attempt waits; its beginning, once there is one. */
  retryAt: number | null;
  node: string | null;
  error: { readonly name: string; readonly message: string } | null;
  /** The number of the event that ended it. */
  endedBy: number | null;
}

export type Outcome = 'open' | 'completed' | 'failed' | 'skipped' | 'canceled' | 'lost';

export class Attempts {
  readonly #bySteps = new Map<number, Attempt[]>();
  #seq = 0;

  /** The number of the newest event that is in it. */
  get seq(): number {
    return this.#seq;
  }

  of(step: number): readonly Attempt[] {
    return this.#bySteps.get(step) ?? [];
  }

  all(): Iterable<readonly Attempt[]> {
    return this.#bySteps.values();
  }

  /** Events that come again are ignored; nothing may be left out. */
  take(events: readonly WorkflowEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      this.#apply(event);
    }
  }

  #apply(event: WorkflowEvent): void {
    switch (event.type) {
      case 'task.scheduled':
      case 'task.waiting':
        this.#schedule(event);
        return;
      case 'task.started': {
        const attempt = this.#open(event.step);
        if (attempt === null) return;
        attempt.startedAt = event.at;
        attempt.node = event.node;
        return;
      }
      case 'task.completed': {
        const attempt = this.#end(event, 'completed');
        if (attempt === null) return;
        attempt.startedAt = event.startedAt;
        attempt.node = event.node;
        return;
      }
      case 'task.failed': {
        const attempt = this.#end(event, 'failed');
        if (attempt === null) return;
        attempt.startedAt = event.startedAt;
        attempt.node = event.node;
        attempt.error = event.failure;
        attempt.retryAt = event.retryAt;
        return;
      }
      case 'task.skipped':
        this.#end(event, 'skipped');
        return;
      case 'task.canceled':
        this.#end(event, 'canceled');
        return;
      case 'task.signaled':
      case 'task.progressed':
        return;
      default:
        // The others are about the workflow.
        return;
    }
  }

  #schedule(event: TaskScheduled | TaskWaiting): void {
    const { step } = event;
    let attempts = this.#bySteps.get(step);
    if (attempts === undefined) this.#bySteps.set(step, (attempts = []));
    const last = attempts.at(-1);
    if (last?.outcome === 'open') {
      last.outcome = 'lost';
      last.endedAt = event.at;
      last.endedBy = event.seq;
    }
    if (last?.retryAt !== undefined && last.retryAt !== null) last.retryAt = event.at;
    attempts.push({
      step,
      number: event.attempt,
      delivery: event.type === 'task.waiting' ? 1 : event.delivery,
      scheduledAt: event.at,
      waits: event.type === 'task.waiting',
      startedAt: event.type === 'task.waiting' ? event.at : null,
      endedAt: null,
      outcome: 'open',
      retryAt: null,
      node: null,
      error: null,
      endedBy: null,
    });
  }

  #open(step: number): Attempt | null {
    const last = this.#bySteps.get(step)?.at(-1);
    return last?.outcome === 'open' ? last : null;
  }

  #end(
    { step, at, seq }: { readonly step: number; readonly at: number; readonly seq: number },
    outcome: Outcome,
  ): Attempt | null {
    const attempt = this.#open(step);
    if (attempt !== null) {
      attempt.outcome = outcome;
      attempt.endedAt = at;
      attempt.endedBy = seq;
    } else {
      // Canceled between two attempts: the wait ends there.
      const last = this.#bySteps.get(step)?.at(-1);
      if (last !== undefined && last.retryAt !== null) last.retryAt = at;
    }
    return attempt;
  }
}
