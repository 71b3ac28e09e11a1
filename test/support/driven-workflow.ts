import { isDeepStrictEqual } from 'node:util';

import { expect } from 'chai';

import type { Defaults } from '#actors/defaults.ts';
import type { Graph } from '#actors/definition.ts';
import type { Failure } from '#actors/failure.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import type { Effect, Reply, ReplyAddress, WorkflowCommand } from '#actors/message.ts';
import type { Plan } from '#actors/plan.ts';
import { planOf } from '#actors/plan.ts';
import type { Tags } from '#actors/tags.ts';
import type { Outcome, Progress, TaskJob, Work } from '#actors/work.ts';
import type { WorkflowEvent } from '#actors/workflow-events.ts';
import type { TaskState, TaskStatus, WorkflowState } from '#actors/workflow-state.ts';
import { evolveWorkflow, readWorkflowState } from '#actors/workflow-state.ts';
import { decideWorkflow, workflowDueAt } from '#actors/workflow.ts';

/** A workflow in the hands of a test, which is its clock, its chance, its workers and its journal. */
export class DrivenWorkflow {
  readonly plan: Plan;
  readonly id = 'wf-1';
  readonly journal: WorkflowEvent[] = [];
  readonly effects: Effect[] = [];
  now = 1_700_000_000_000;
  random = 0;
  /** Where work goes: the node `here` unless a test says otherwise. */
  place: (queue: string) => string = () => 'here';
  #state: WorkflowState | null = null;
  #folded: WorkflowState | null = null;
  #messages = 0;

  constructor(graph: Graph) {
    this.plan = planOf(graph);
  }

  static started(graph: Graph, input: JsonObject = {}): DrivenWorkflow {
    const workflow = new DrivenWorkflow(graph);
    workflow.start({ input });
    return workflow;
  }

  get state(): WorkflowState {
    if (this.#state === null) throw new Error('the workflow was not started');
    return this.#state;
  }

  /** Sends a message, and checks W2: the events, read back from JSON and folded, give the state that was decided on. */
  send(
    command: WorkflowCommand,
    { id = `m${(this.#messages += 1)}`, replyTo }: { id?: string; replyTo?: ReplyAddress } = {},
  ): { readonly events: readonly WorkflowEvent[]; readonly effects: readonly Effect[] } {
    const turn = decideWorkflow(
      this.plan,
      this.#state,
      { id, to: this.id, command, ...(replyTo === undefined ? {} : { replyTo }) },
      { now: this.now, random: () => this.random, place: (queue) => this.place(queue) },
    );
    this.#state = turn.state;
    this.journal.push(...turn.events);
    this.effects.push(...turn.effects);
    for (const event of turn.events) {
      const read: WorkflowEvent = JSON.parse(JSON.stringify(event));
      this.#folded = evolveWorkflow(this.#folded, read, this.plan, this.id);
    }
    if (!isDeepStrictEqual(this.#folded, this.#state)) {
      expect(this.#folded, 'W2').to.deep.equal(this.#state);
    }
    return turn;
  }

  /** Forgets the state and goes on from a stored one: what a takeover does. */
  moveThroughStore(): void {
    this.#state = readWorkflowState(JSON.stringify(this.#state));
    this.#folded = readWorkflowState(JSON.stringify(this.#folded));
  }

  /** Asks, and gives the reply. */
  call(command: WorkflowCommand, id?: string): Reply | null {
    const replyTo = { node: 'asker', call: `c${this.#messages}` };
    const { effects } = this.send(command, id === undefined ? { replyTo } : { replyTo, id });
    const reply = effects.find((effect) => effect.type === 'reply');
    return reply?.type === 'reply' ? reply.reply : null;
  }

  start({
    input = {},
    id = 'start',
    onConflict = 'fail',
    timeoutMs = null,
    name = this.plan.graph.name,
    ...more
  }: {
    input?: JsonObject;
    id?: string;
    onConflict?: 'fail' | 'useExisting';
    timeoutMs?: number | null;
    name?: string;
    tags?: Tags;
    defaults?: Defaults;
    inputDigest?: string;
  } = {}): Reply | null {
    const { version } = this.plan.graph;
    const command = {
      type: 'workflow.start',
      name,
      version,
      input,
      timeoutMs,
      onConflict,
    } as const;
    return this.call({ ...command, ...more }, id);
  }

  cancel(reason = 'on purpose'): Reply | null {
    return this.call({ type: 'workflow.cancel', reason });
  }

  retry(id?: string): Reply | null {
    return this.call({ type: 'workflow.retry' }, id);
  }

  /** Sends the signal that a step of this name waits for. */
  signal(step: string, payload: Json = {}, id?: string): Reply | null {
    return this.call({ type: 'workflow.signal', signal: step, payload }, id);
  }

  begin(step: string): void {
    const task = this.task(step);
    const { number, attempt } = { number: this.number(step), attempt: task.attempt };
    this.send({ type: 'task.started', step: number, attempt, node: 'here', at: this.now });
  }

  progress(step: string, progress: Progress): void {
    const { attempt } = this.task(step);
    this.send({ type: 'task.progressed', step: this.number(step), attempt, progress });
  }

  complete(step: string, output: Json = {}): void {
    this.end(step, { status: 'completed', output });
  }

  skip(step: string): void {
    this.end(step, { status: 'skipped' });
  }

  fail(step: string, failure: Partial<Failure> = {}): void {
    this.end(step, { status: 'failed', failure: failureLike(failure) });
  }

  release(step: string): void {
    const { delivery } = this.task(step);
    this.end(step, { status: 'released', reason: 'the node drains' }, { delivery });
  }

  /** The node that had it dies. */
  lose(step: string): void {
    const { attempt, delivery } = this.task(step);
    this.send({ type: 'task.lost', step: this.number(step), attempt, delivery });
  }

  end(
    step: string,
    outcome: Outcome,
    { attempt = this.task(step).attempt, delivery }: { attempt?: number; delivery?: number } = {},
  ): { readonly events: readonly WorkflowEvent[]; readonly effects: readonly Effect[] } {
    return this.send({
      type: 'task.ended',
      step: this.number(step),
      attempt,
      ...(delivery === undefined ? {} : { delivery }),
      node: 'here',
      startedAt: null,
      outcome,
    });
  }

  wake(): void {
    this.send({ type: 'wake' });
  }

  /** Time goes by, and the workflow is woken whenever it wants to be. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let due = this.dueAt(); due !== null && due <= until; due = this.dueAt()) {
      this.now = Math.max(this.now, due);
      this.wake();
    }
    this.now = until;
  }

  dueAt(): number | null {
    return workflowDueAt(this.plan, this.state);
  }

  task(step: string): TaskState {
    const task = this.state.tasks[this.number(step)];
    if (task === undefined) throw new Error(`no step ${step}`);
    return task;
  }

  status(step: string): TaskStatus {
    return this.task(step).status;
  }

  /** Everything that was ever handed out, in order. */
  get executed(): readonly Work[] {
    return this.effects.flatMap((effect) => (effect.type === 'execute' ? [effect.work] : []));
  }

  /** Names of the steps that were handed out, in order, once per hand-out. */
  get handedOut(): readonly string[] {
    return this.executed.map((work) => this.plan.steps[work.task]?.step.name ?? '?');
  }

  /** Names of the steps that were told to stop, with why. */
  get aborted(): readonly (readonly [step: string, reason: string])[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'abort'
        ? [[this.plan.steps[effect.ref.task]?.step.name ?? '?', effect.reason] as const]
        : [],
    );
  }

  /** What the newest hand-out of a step was given. */
  given(step: string): TaskJob {
    const work = this.executed.findLast(({ task }) => task === this.number(step));
    if (work?.job.kind !== 'task') throw new Error(`${step} was not handed out`);
    return work.job;
  }

  number(step: string): number {
    return this.plan.graph.steps.findIndex(({ name }) => name === step);
  }
}

export function failureLike(part: Partial<Failure> = {}): Failure {
  return { kind: 'error', name: 'Error', message: 'it broke', retryable: true, ...part };
}
