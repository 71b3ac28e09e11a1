import { isDeepStrictEqual } from 'node:util';

import { underDefaults } from './defaults.ts';
import type { Failure } from './failure.ts';
import type {
  Command,
  Decision,
  DecisionContext,
  Effect,
  Envelope,
  Reply,
  WorkflowCommand,
} from './message.ts';
import { limits } from './message.ts';
import { stepsToOpen } from './opened-again.ts';
import type { Plan, PlannedStep } from './plan.ts';
import { retryAt } from './retry.ts';
import { receive } from './signal.ts';
import { stepTimeout, stepTimeoutAt, workflowTimeout, workflowTimeoutMs } from './time-limits.ts';
import type { Outcome } from './work.ts';
import type { WorkflowEvent } from './workflow-events.ts';
import type { TaskState, WorkflowState } from './workflow-state.ts';
import { evolveWorkflow, hasEnded, isClosed, isOut } from './workflow-state.ts';
import { workOf } from './workflow-work.ts';

/**
 * A workflow as an actor: one message and the state so far -> events and effects.
 *
 * It decides and nothing else: no clock, no randomness, no I/O; what it needs of the world is in the context. Every event it
 * emits is applied at once, so that what follows from it (the next steps, the end) is decided in the same turn, and one
 * commit carries all of it.
 *
 * Invariants: W1 what has ended stays ended, until `workflow.retried` opens what has failed; W2 folding the events gives the
 * state; W3 accepted first and once; W4 tasks are those of the graph; W5 the workflow ends after its tasks; W6 a result
 * counts only for the attempt that is out; W7 a signal comes once, and is there when its step's turn comes.
 */
export interface WorkflowTurn extends Decision<WorkflowEvent> {
  readonly state: WorkflowState | null;
}

export function decideWorkflow(
  plan: Plan | null,
  state: WorkflowState | null,
  envelope: Pick<Envelope, 'id' | 'to' | 'command' | 'replyTo' | 'trace'>,
  context: DecisionContext,
): WorkflowTurn {
  const turn = new Turn(plan, state, envelope, context);
  turn.handle(envelope.command);
  return turn;
}

/** When this workflow wants to be woken, or null. Milliseconds since 1970. */
export function workflowDueAt(plan: Plan, state: WorkflowState): number | null {
  if (isClosed(state)) return null;
  let due = state.timeoutAt ?? Infinity;
  for (const { number, step } of underDefaults(plan, state.defaults).steps) {
    const task = state.tasks[number];
    if (task === undefined || task.firstScheduledAt === null || hasEnded(task)) continue;
    due = Math.min(due, task.retryAt ?? Infinity, stepTimeoutAt(step, task));
  }
  return due === Infinity ? null : due;
}

class Turn implements WorkflowTurn {
  readonly events: WorkflowEvent[] = [];
  readonly effects: Effect[] = [];
  state: WorkflowState | null;
  readonly #plan: Plan | null;
  readonly #envelope: Pick<Envelope, 'id' | 'to' | 'replyTo' | 'trace'>;
  readonly #context: DecisionContext;

  constructor(
    plan: Plan | null,
    state: WorkflowState | null,
    envelope: Pick<Envelope, 'id' | 'to' | 'replyTo' | 'trace'>,
    context: DecisionContext,
  ) {
    this.#plan = plan === null || state === null ? plan : underDefaults(plan, state.defaults);
    this.state = state;
    this.#envelope = envelope;
    this.#context = context;
  }

  handle(command: Command): void {
    if (command.type === 'workflow.start') {
      this.#start(command);
      return;
    }
    const { state } = this;
    const plan = this.#plan;
    if (state === null || plan === null) {
      this.#refuse('NOT_FOUND', `workflow not found: ${this.#envelope.to}`);
      return;
    }
    if (command.type === 'workflow.cancel') {
      this.#cancel(state, plan, command.reason);
      return;
    }
    if (command.type === 'workflow.retry') {
      this.#retry(state, plan);
      return;
    }
    if (command.type === 'workflow.signal') {
      this.#signal(state, plan, command);
      return;
    }
    if (isClosed(state)) return;
    switch (command.type) {
      case 'task.started': {
        const task = this.#attemptOut(state, command.step, command.attempt);
        if (task === null || task.status === 'running') return;
        const { step, attempt, node, delivery = task.delivery } = command;
        if (delivery !== task.delivery) return;
        const at = this.#begun(task, command.at);
        this.#emit({ type: 'task.started', at, step, attempt, node });
        return;
      }
      case 'task.progressed': {
        if (this.#attemptOut(state, command.step, command.attempt) === null) return;
        const { step, attempt, progress } = command;
        this.#emit({ type: 'task.progressed', at: this.#context.now, step, attempt, ...progress });
        return;
      }
      case 'task.ended':
        this.#taskEnded(state, plan, command);
        return;
      case 'task.lost':
        this.#taskLost(state, plan, command);
        return;
      case 'wake':
        this.#wake(state, plan);
        return;
      case 'actor.message':
      case 'actor.resume':
      case 'turn.ended':
      case 'turn.lost':
        this.#refuse('INTERNAL', `${command.type} was sent to a workflow`);
    }
  }

  #start(command: Extract<WorkflowCommand, { type: 'workflow.start' }>): void {
    const { id, to, trace } = this.#envelope;
    if (this.state !== null) {
      const other = this.state.startedBy === id ? otherThan(this.state, command) : null;
      if (other !== null) {
        this.#refuse(
          'IDEMPOTENCY_MISMATCH',
          `the same request has started ${to} before, with ${other}; give a new start an idempotency key (in the SDK, a requestId) of its own`,
        );
      } else if (this.state.startedBy === id || command.onConflict === 'useExisting') {
        this.#accepted(true);
      } else {
        this.#refuse('ALREADY_EXISTS', `a workflow with the id ${to} exists already`);
      }
      return;
    }
    const plan = this.#plan;
    if (plan === null) {
      this.#refuse(
        'UNKNOWN_DEFINITION',
        `workflow definition not found: ${command.name} (version ${command.version})`,
      );
      return;
    }
    const { now } = this.#context;
    const timeoutMs = command.timeoutMs ?? plan.graph.timeoutMs;
    const state = this.#emit({
      type: 'workflow.accepted',
      at: now,
      name: command.name,
      version: command.version,
      input: command.input,
      timeoutAt: timeoutMs === null ? null : now + timeoutMs,
      by: id,
      ...(command.tags === undefined ? {} : { tags: command.tags }),
      ...(command.defaults === undefined ? {} : { defaults: command.defaults }),
      ...(command.inputDigest === undefined ? {} : { inputDigest: command.inputDigest }),
      ...(trace === undefined ? {} : { trace }),
    });
    for (const planned of plan.steps) this.#considerStep(state, plan, planned);
    this.#considerEnd(state, plan);
    this.#accepted(false);
  }

  #accepted(existing: boolean): void {
    this.#reply({ ok: true, value: { workflow_id: this.#envelope.to, existing } });
  }

  #cancel(state: WorkflowState, plan: Plan, reason: string): void {
    if (state.status === 'canceled') {
      this.#reply({ ok: true, value: { state: 'canceled' } });
      return;
    }
    if (isClosed(state)) {
      this.#refuse('ALREADY_CLOSED', `cannot cancel workflow in state: ${state.status}`);
      return;
    }
    this.#cancelTasks(state, plan, reason);
    this.#emit({ type: 'workflow.canceled', at: this.#context.now, reason });
    this.#reply({ ok: true, value: { state: 'canceled' } });
  }

  /** Retry budgets and timeouts begin anew; attempts are counted on, so that no late result is taken for a new one (W6). */
  #retry(failed: WorkflowState, plan: Plan): void {
    const { id, to } = this.#envelope;
    if (!failed.retriedBy.includes(id)) {
      if (failed.status !== 'failed') {
        this.#refuse(
          'NOT_FAILED',
          `workflow ${to} is ${failed.status}, and only one that has failed can be retried`,
        );
        return;
      }
      const { now } = this.#context;
      const timeoutMs = workflowTimeoutMs(failed);
      const state = this.#emit({
        type: 'workflow.retried',
        at: now,
        steps: stepsToOpen(plan, failed),
        timeoutAt: timeoutMs === null ? null : now + timeoutMs,
        by: id,
      });
      for (const planned of plan.steps) this.#considerStep(state, plan, planned);
      this.#considerEnd(state, plan);
    }
    this.#reply({ ok: true, value: { state: this.state?.status ?? failed.status } });
  }

  #signal(
    state: WorkflowState,
    plan: Plan,
    { signal: name, payload, payloadDigest }: Extract<WorkflowCommand, { type: 'workflow.signal' }>,
  ): void {
    const { id } = this.#envelope;
    const signal = { id, name, payload, payloadDigest: payloadDigest ?? null };
    const received = receive(plan, state, signal);
    if (received.refused !== null) {
      this.#refuse(received.refused.code, received.refused.message);
      return;
    }
    const { planned, task, isNew } = received;
    if (isNew) {
      const { number: step } = planned;
      this.#emit({
        type: 'task.signaled',
        at: this.#context.now,
        step,
        payload,
        by: id,
        ...(payloadDigest === undefined ? {} : { payloadDigest }),
      });
      if (task.status === 'waiting') this.#takeSignal(state, plan, planned, task);
    }
    this.#reply({ ok: true, value: { state: task.status } });
  }

  /** The step's turn has come, and the signal is there. */
  #takeSignal(state: WorkflowState, plan: Plan, planned: PlannedStep, task: TaskState): void {
    const { now } = this.#context;
    this.#emit({
      type: 'task.completed',
      at: now,
      step: planned.number,
      attempt: task.attempt,
      startedAt: task.startedAt ?? now,
      node: null,
      output: task.output,
    });
    this.#settled(state, plan, planned);
  }

  #taskEnded(
    state: WorkflowState,
    plan: Plan,
    command: Extract<WorkflowCommand, { type: 'task.ended' }>,
  ): void {
    const { step, attempt, node, outcome } = command;
    const task = this.#attemptOut(state, step, attempt);
    const planned = plan.steps[step];
    if (task === null || planned === undefined) return;
    const { now } = this.#context;
    const startedAt =
      task.startedAt ?? (command.startedAt === null ? null : this.#begun(task, command.startedAt));
    switch (outcome.status) {
      case 'completed':
        this.#emit({
          type: 'task.completed',
          at: now,
          step,
          attempt,
          startedAt: startedAt ?? now,
          node,
          output: outcome.output,
        });
        this.#settled(state, plan, planned);
        return;
      case 'skipped':
        this.#skip(state, plan, planned, 'its condition was false');
        return;
      case 'failed':
        this.#taskFailed(state, plan, planned, { node, startedAt, failure: outcome.failure });
        return;
      case 'released':
        if ((command.delivery ?? task.delivery) !== task.delivery) return;
        this.#schedule(state, plan, planned, { attempt, delivery: task.delivery + 1 });
        return;
      case 'turned':
        this.#taskFailed(state, plan, planned, {
          node,
          startedAt,
          failure: unexpected(outcome),
        });
    }
  }

  #taskLost(
    state: WorkflowState,
    plan: Plan,
    command: Extract<WorkflowCommand, { type: 'task.lost' }>,
  ): void {
    const { step, attempt, delivery } = command;
    const task = this.#attemptOut(state, step, attempt);
    const planned = plan.steps[step];
    if (task === null || planned === undefined || task.delivery !== delivery) return;
    if (task.deaths + 1 < limits.deaths) {
      this.#schedule(state, plan, planned, { attempt, delivery: delivery + 1, lost: true });
      return;
    }
    this.#taskFailed(state, plan, planned, {
      node: task.where,
      startedAt: task.startedAt,
      failure: {
        kind: 'poisoned',
        name: 'PoisonedTaskError',
        message: `${limits.deaths} nodes died while they ran attempt ${attempt} of ${planned.step.name}; it is not handed out again`,
        retryable: false,
      },
    });
  }

  /** Time has passed: retries that are due, timeouts that ran out. */
  #wake(state: WorkflowState, plan: Plan): void {
    const { now } = this.#context;
    if (state.timeoutAt !== null && state.timeoutAt <= now) {
      this.#fail(state, plan, workflowTimeout(state));
      return;
    }
    for (const planned of plan.steps) {
      if (isClosed(state)) return;
      const task = state.tasks[planned.number];
      if (task === undefined || hasEnded(task)) continue;
      if (stepTimeoutAt(planned.step, task) <= now) {
        const failure = stepTimeout(planned.step, task, now);
        if (isOut(task)) this.#abort(state, planned, task, failure.message);
        this.#taskFailed(state, plan, planned, {
          node: task.node ?? task.where,
          startedAt: task.startedAt,
          failure,
        });
      } else if (task.retryAt !== null && task.retryAt <= now) {
        this.#schedule(state, plan, planned, { attempt: task.attempt + 1, delivery: 1 });
      }
    }
  }

  #taskFailed(
    state: WorkflowState,
    plan: Plan,
    planned: PlannedStep,
    failed: {
      readonly node: string | null;
      readonly startedAt: number | null;
      readonly failure: Failure;
    },
  ): void {
    const task = state.tasks[planned.number];
    if (task === undefined) return;
    const { now } = this.#context;
    const { number: step, step: declared } = planned;
    const next = retryAt(declared.retry, {
      attempt: task.attempt - task.attemptsBefore,
      failure: failed.failure,
      firstScheduledAt: task.firstScheduledAt ?? now,
      now,
      random: this.#context.random(),
    });
    this.#emit({
      type: 'task.failed',
      at: now,
      step,
      attempt: task.attempt,
      ...failed,
      retryAt: next,
    });
    if (next !== null) {
      if (next <= now)
        this.#schedule(state, plan, planned, { attempt: task.attempt + 1, delivery: 1 });
      return;
    }
    if (planned.onError === null) {
      this.#fail(state, plan, { ...failed.failure, step: declared.name });
    } else {
      this.#settled(state, plan, planned);
    }
  }

  /** A step failed for good, or the workflow ran out of time. */
  #fail(state: WorkflowState, plan: Plan, failure: Failure): void {
    const { now } = this.#context;
    const letFinish = plan.graph.onFailure === 'letFinish' && failure.step !== undefined;
    if (letFinish && state.failure === null) {
      this.#emit({ type: 'workflow.failing', at: now, failure });
      // Nobody need be asked any more: what is let finish is what runs.
      this.#cancelTasks(
        state,
        plan,
        `step ${failure.step} failed`,
        ({ status }) => status === 'waiting',
      );
    }
    if (letFinish && state.tasks.some((task) => isOut(task) || task.status === 'retrying')) return;
    const reason =
      failure.step === undefined
        ? `${failure.name}: ${failure.message}`
        : `step ${failure.step} failed`;
    this.#cancelTasks(state, plan, reason);
    this.#emit({ type: 'workflow.failed', at: now, failure: state.failure ?? failure });
  }

  #cancelTasks(
    state: WorkflowState,
    plan: Plan,
    reason: string,
    which: (task: TaskState) => boolean = () => true,
  ): void {
    for (const planned of plan.steps) {
      const task = state.tasks[planned.number];
      if (task === undefined || hasEnded(task) || !which(task)) continue;
      if (isOut(task)) this.#abort(state, planned, task, reason);
      this.#emit({ type: 'task.canceled', at: this.#context.now, step: planned.number, reason });
    }
  }

  /** A step has ended without failing the workflow: who waited for it, and is that the end? */
  #settled(state: WorkflowState, plan: Plan, planned: PlannedStep): void {
    for (const number of planned.waitedForBy) {
      const waiting = plan.steps[number];
      if (waiting !== undefined) this.#considerStep(state, plan, waiting);
    }
    this.#considerEnd(state, plan);
  }

  /** Starts or skips a step once all that it waits for is settled. */
  #considerStep(state: WorkflowState, plan: Plan, planned: PlannedStep): void {
    const task = state.tasks[planned.number];
    if (task === undefined || task.status !== 'pending' || task.scheduledAt !== null) return;
    if (task.blockers > 0) return;
    const reason = this.#reasonToSkip(state, planned);
    if (reason !== null) {
      this.#skip(state, plan, planned, reason);
    } else if (state.failure !== null) {
      return;
    } else if (planned.step.signal !== undefined) {
      this.#await(state, plan, planned, task);
    } else {
      this.#schedule(state, plan, planned, { attempt: task.attempt + 1, delivery: 1 });
    }
  }

  #await(state: WorkflowState, plan: Plan, planned: PlannedStep, task: TaskState): void {
    const attempt = task.attempt + 1;
    this.#emit({ type: 'task.waiting', at: this.#context.now, step: planned.number, attempt });
    if (task.signaledBy !== null) this.#takeSignal(state, plan, planned, task);
  }

  #skip(state: WorkflowState, plan: Plan, planned: PlannedStep, reason: string): void {
    this.#emit({ type: 'task.skipped', at: this.#context.now, step: planned.number, reason });
    const unhandled = unhandledBy(state, plan, planned);
    if (unhandled === null) this.#settled(state, plan, planned);
    else this.#fail(state, plan, unhandled);
  }

  #reasonToSkip(state: WorkflowState, planned: PlannedStep): string | null {
    if (planned.handles !== null && state.tasks[planned.handles]?.status !== 'failed') {
      return 'there was no error to handle';
    }
    if (planned.step.whenNeedsSkipped === 'skip') {
      const skipped = planned.needs.find((number) => state.tasks[number]?.status === 'skipped');
      if (skipped !== undefined)
        return `${this.#plan?.steps[skipped]?.step.name ?? 'a step'} was skipped`;
    }
    return null;
  }

  #considerEnd(state: WorkflowState, plan: Plan): void {
    if (isClosed(state)) return;
    if (state.failure !== null) {
      this.#fail(state, plan, state.failure);
    } else if (state.open === 0) {
      this.#emit({ type: 'workflow.completed', at: this.#context.now });
    }
  }

  #schedule(
    state: WorkflowState,
    plan: Plan,
    planned: PlannedStep,
    handOut: { readonly attempt: number; readonly delivery: number; readonly lost?: true },
  ): void {
    const where = this.#context.place(planned.step.queue);
    this.#emit({
      type: 'task.scheduled',
      at: this.#context.now,
      step: planned.number,
      ...handOut,
      where,
    });
    const task = state.tasks[planned.number];
    if (task === undefined) return;
    this.effects.push({ type: 'execute', work: workOf(state, plan, planned, task), where });
  }

  #abort(state: WorkflowState, planned: PlannedStep, task: TaskState, reason: string): void {
    this.effects.push({
      type: 'abort',
      ref: {
        actor: state.id,
        task: planned.number,
        attempt: task.attempt,
        delivery: task.delivery,
      },
      queue: planned.step.queue,
      where: task.node ?? task.where,
      reason,
    });
  }

  /** When an attempt began, by the clock of the node that ran it, which may be wrong: within what this one knows. */
  #begun(task: TaskState, at: number): number {
    return Math.max(task.scheduledAt ?? 0, Math.min(at, this.#context.now));
  }

  /** W6  The task, when this attempt of it is out; null for anything late, doubled or unknown. */
  #attemptOut(state: WorkflowState, step: number, attempt: number): TaskState | null {
    const task = state.tasks[step];
    return task !== undefined && task.attempt === attempt && isOut(task) ? task : null;
  }

  #emit(event: WorkflowEvent): WorkflowState {
    const plan = this.#plan;
    if (plan === null) throw new Error('W3: there is no graph to decide by');
    this.events.push(event);
    this.state = evolveWorkflow(this.state, event, plan, this.#envelope.to);
    return this.state;
  }

  #refuse(code: Extract<Reply, { ok: false }>['code'], message: string): void {
    this.#reply({ ok: false, code, message });
  }

  #reply(reply: Reply): void {
    const to = this.#envelope.replyTo;
    if (to !== undefined) this.effects.push({ type: 'reply', to, reply });
  }
}

/** The failure that a step leaves to the workflow when the handler of its error was skipped: nobody has handled it. */
function unhandledBy(state: WorkflowState, plan: Plan, planned: PlannedStep): Failure | null {
  const failed = planned.handles === null ? undefined : state.tasks[planned.handles];
  const step = planned.handles === null ? undefined : plan.steps[planned.handles];
  if (failed?.status !== 'failed' || failed.failure === null || step === undefined) return null;
  return { ...failed.failure, step: step.step.name };
}

/** What of a start is not as it was accepted; null when it is the same start. A digest is comparable with a digest alone. */
function otherThan(
  state: WorkflowState,
  command: Extract<WorkflowCommand, { type: 'workflow.start' }>,
): string | null {
  const { name, tags = {}, input, inputDigest = null } = command;
  if (name !== state.name) return `another definition (${state.name})`;
  if (!isDeepStrictEqual(tags, state.tags)) return 'other tags';
  const isSame =
    inputDigest === null && state.inputDigest === null
      ? isDeepStrictEqual(input, state.input)
      : inputDigest === null || state.inputDigest === null || inputDigest === state.inputDigest;
  return isSame ? null : 'another input';
}

function unexpected(outcome: Outcome): Failure {
  return {
    kind: 'invalid',
    name: 'InvalidResultError',
    message: `a task ended with the outcome "${outcome.status}"`,
    retryable: false,
  };
}
