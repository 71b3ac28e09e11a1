import type { ActorEvent, UserActor } from '#actors/actor.ts';
import { isWorkflowEvent, WorkflowActor } from '#actors/actor.ts';
import type { AnySignals, AnyWorkflow } from '#actors/definition.ts';
import { didYouMean } from '#actors/did-you-mean.ts';
import type { Failure } from '#actors/failure.ts';
import type { Json } from '#actors/json.ts';
import type { Command, RefusalCode, Reply } from '#actors/message.ts';
import type { LogLine } from '#actors/work.ts';
import type { WorkflowEvent } from '#actors/workflow-events.ts';
import type { TaskStatus, WorkflowState } from '#actors/workflow-state.ts';
import { hasEnded, isClosed, mergedOutput } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import { taskViews, workflowView } from '#actors/workflow-view.ts';

import { WorkflowCanceledError, WorkflowFailedError } from './client-errors.ts';
import type { SignalArgs, SignalNames } from './signals.ts';
import { validPayload } from './test-input.ts';

/** A workflow in the hands of a test. */
export class TestRun<Output, Signals = AnySignals> {
  readonly id: string;
  readonly #actor: WorkflowActor;
  readonly #watched: Watched;
  readonly #env: Reach;
  readonly #definition: AnyWorkflow;

  constructor(definition: AnyWorkflow, watched: Watched, env: Reach) {
    const { actor } = watched;
    if (!(actor instanceof WorkflowActor)) throw new TypeError(`${actor.id} is no workflow`);
    this.id = actor.id;
    this.#actor = actor;
    this.#watched = watched;
    this.#env = env;
    this.#definition = definition;
  }

  /**
   * The output, when the workflow has completed.
   * @throws WorkflowFailedError, WorkflowCanceledError
   */
  async result(): Promise<Output> {
    const state = await this.#env.wait(
      () => (isClosed(this.#state) ? this.#state : undefined),
      `the result of ${this.id}`,
    );
    if (state.status !== 'completed') {
      throw state.failure === null
        ? new WorkflowCanceledError(this.id, state.cancelReason ?? '')
        : new WorkflowFailedError(this.id, state.failure);
    }
    // JSON as any client would get it; that it is an Output is what the definition says.
    const output: Output = JSON.parse(JSON.stringify(mergedOutput(state)));
    return output;
  }

  /** Waits until a step has ended, or until it is in this state. */
  async waitFor(step: string, status?: TaskStatus): Promise<TaskView> {
    const number = this.#numberOf(step);
    return await this.#env.wait(() => {
      const task = this.#state.tasks[number];
      if (task === undefined) return undefined;
      if (status === undefined ? hasEnded(task) : task.status === status) {
        return this.describe().tasks[number];
      }
      if (hasEnded(task))
        throw new Error(`${step} is ${task.status}, and will never be ${status}.`);
      return undefined;
    }, `${step} of ${this.id}`);
  }

  /** What people see of it. */
  describe(): { readonly workflow: WorkflowView; readonly tasks: readonly TaskView[] } {
    const { plan } = this.#actor;
    return { workflow: workflowView(plan, this.#state), tasks: taskViews(plan, this.#state) };
  }

  /** Everything that has happened to it. */
  history(): readonly WorkflowEvent[] {
    return this.#watched.history.filter(isWorkflowEvent);
  }

  /** What its handlers have logged; of one step, or of all. */
  logs(step?: string): readonly (LogLine & { readonly attempt: number })[] {
    const number = step === undefined ? null : this.#numberOf(step);
    return this.#watched.logs.filter((line) => number === null || line.step === number);
  }

  /** @throws RefusedError when it has ended in another way */
  cancel(reason = 'canceled by the test'): void {
    accepted(this.#env.call({ type: 'workflow.cancel', reason }));
  }

  /**
   * Sends it the signal that its step of this name waits for, or will wait for.
   * @throws TypeError when the payload does not fit the step's schema; RefusedError when the signal is not awaited
   */
  signal<Name extends SignalNames<Signals>>(
    signal: Name,
    ...[payload]: SignalArgs<Signals[Name], never>
  ): void {
    const schema = this.#definition.code[signal]?.payload;
    const fitting = validPayload(schema, payload, `the payload of "${signal}"`);
    accepted(this.#env.call({ type: 'workflow.signal', signal, payload: fitting }));
  }

  get #state(): WorkflowState {
    const { state } = this.#actor;
    if (state === null) throw new Error(`${this.id} was not started`);
    return state;
  }

  #numberOf(step: string): number {
    const names = this.#actor.plan.steps.map((planned) => planned.step.name);
    const number = names.indexOf(step);
    if (number >= 0) return number;
    throw new TypeError(
      `${this.id} has no step "${step}".${didYouMean(step, names)} Its steps are: ${names.join(', ')}.`,
    );
  }
}

/** The answer was no; `code` says which no. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: RefusalCode;
  readonly failure: Failure | null;

  constructor({ code, message, failure }: Extract<Reply, { ok: false }>) {
    super(message);
    this.code = code;
    this.failure = failure ?? null;
  }
}

/** The value of a reply that says yes. */
export function accepted(reply: Reply): Json {
  if (!reply.ok) throw new RefusedError(reply);
  return reply.value;
}

/** An actor of a test environment, with all that is known of it. */
export interface Watched {
  readonly actor: WorkflowActor | UserActor;
  readonly history: ActorEvent[];
  readonly logs: (LogLine & { readonly step: number; readonly attempt: number })[];
}

/** What a run asks of its environment. */
export interface Reach {
  call(command: Command): Reply;
  /** Resolves with what `look` finds, as soon as it finds something. */
  wait<Found>(look: () => Found | undefined, what: string): Promise<Found>;
}
