import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { AnySignals } from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';
import { formatDuration, parseDuration } from '#actors/duration.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import { ClusterError } from '#cluster/api.ts';

import { asJson } from './as-json.ts';
import type { Backend, Ending } from './backend.ts';
import { WorkflowCanceledError, WorkflowFailedError } from './client-errors.ts';
import type { SignalArgs, SignalNames } from './signals.ts';

/** One question for the result; then it is asked again, so that no connection is silent for long. */
const pollMs = 25_000;
/** A node that goes down or is taken over is waited for; a cluster that is away for so long is not. */
const patienceMs = 30_000;

export interface ResultOptions {
  /** How long to wait. Without it, for as long as it takes. */
  readonly timeout?: Duration;
  /** Ends the wait, not the workflow. */
  readonly signal?: AbortSignal;
}

export interface SignalOptions {
  /** Makes repeats of one call the same signal. Made for each call unless given. */
  readonly requestId?: string;
}

/** A workflow in the hands of a client: its id, and what can be done with it. It costs nothing to hold, or to make anew from the id. */
export class WorkflowHandle<Output, Signals = AnySignals> {
  readonly id: string;
  readonly #reach: Reach;

  constructor(id: string, reach: Reach) {
    this.id = id;
    this.#reach = reach;
  }

  /**
   * Waits until the workflow has ended and resolves with its output.
   * @throws WorkflowFailedError, WorkflowCanceledError; ClusterError `TIMEOUT` when it has not ended in time, `NOT_FOUND`
   */
  async result({ timeout, signal }: ResultOptions = {}): Promise<Output> {
    const limitMs = timeout === undefined ? Infinity : parseDuration(timeout);
    const { closed } = this.#reach;
    const stop = signal === undefined ? closed : AbortSignal.any([closed, signal]);
    const ending = await this.#ending(performance.now() + limitMs, stop);
    if (ending === null) {
      throw new ClusterError(
        'TIMEOUT',
        `workflow ${this.id} has not ended within ${formatDuration(limitMs)}; it goes on: wait longer, or cancel it`,
      );
    }
    switch (ending.state) {
      case 'completed':
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that it is an Output is what the definition says
        return ending.output as Output;
      case 'failed':
        throw new WorkflowFailedError(this.id, ending.failure);
      case 'canceled':
        throw new WorkflowCanceledError(this.id, ending.reason);
    }
  }

  /** Its newest state. */
  async describe(): Promise<WorkflowView> {
    return await this.#reach.backend().describe(this.id);
  }

  /** Its tasks, in the order of the definition. */
  async tasks(): Promise<readonly TaskView[]> {
    return await this.#reach.backend().tasks(this.id);
  }

  /**
   * Resolves once it is certain that the workflow is canceled; its running tasks hear of it by their `signal`.
   * @throws ClusterError `ALREADY_CLOSED` when it has ended in another way, `NOT_FOUND`
   */
  async cancel(reason?: string): Promise<void> {
    await this.#reach.backend().cancel(this.id, reason);
  }

  /**
   * Opens a failed workflow again: the steps that failed, or were canceled with them, run again with new retry budgets;
   * what has completed keeps its output. Resolves once that will not be lost; `result()` then waits for the new end.
   * @throws ClusterError `NOT_FAILED` when it is in any other state, `NOT_FOUND`
   */
  async retry(): Promise<void> {
    await this.#reach.backend().retry(this.id);
  }

  /**
   * Sends it the signal that its step of this name waits for, or will wait for: the payload is that step's output. Resolves
   * once that will not be lost. No payload is what the schema makes of nothing, or else `{}`.
   * @throws ClusterError `INVALID_INPUT` when the payload does not fit the step's schema; `SIGNAL_NOT_AWAITED` when it has come
   * before or the step has ended; `UNKNOWN_SIGNAL`, `ALREADY_CLOSED`, `NOT_FOUND`
   */
  async signal<Name extends SignalNames<Signals>>(
    signal: Name,
    ...[payload, options = {}]: SignalArgs<Signals[Name], SignalOptions>
  ): Promise<void> {
    await this.#reach.backend().signal({
      workflowId: this.id,
      signal,
      ...(payload === undefined ? {} : { payload: asJson(payload, `the payload of ${signal}`) }),
      requestId: options.requestId ?? randomUUID(),
    });
  }

  async #ending(until: number, stop: AbortSignal): Promise<Ending | null> {
    const backend = this.#reach.backend();
    let failingSince: number | null = null;
    for (;;) {
      const leftMs = until - performance.now();
      try {
        const waitMs = Math.min(pollMs, Math.max(0, leftMs));
        const ending = await backend.result(this.id, waitMs, stop);
        if (ending !== null || leftMs <= 0) return ending;
        failingSince = null;
      } catch (error) {
        stop.throwIfAborted();
        failingSince ??= performance.now();
        const retryAfterMs = error instanceof ClusterError ? error.retryAfterMs : null;
        const now = performance.now();
        if (retryAfterMs === null || now >= until || now - failingSince > patienceMs) throw error;
        await pause(Math.min(retryAfterMs, until - now), stop);
      }
    }
  }
}

/** The way from a handle to the cluster. */
export interface Reach {
  /** @throws ClusterError when the client is closed */
  readonly backend: () => Backend;
  /** Aborted when the client is closed. */
  readonly closed: AbortSignal;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
