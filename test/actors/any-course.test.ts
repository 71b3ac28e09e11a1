import { expect } from 'chai';
import * as fc from 'fast-check';

import type { Graph } from '#actors/definition.ts';
import type { Effect, WorkflowCommand } from '#actors/message.ts';
import { planOf } from '#actors/plan.ts';
import type { Outcome } from '#actors/work.ts';
import type { WorkflowEvent } from '#actors/workflow-events.ts';
import type { WorkflowState } from '#actors/workflow-state.ts';
import { hasEnded, isClosed, isOut } from '#actors/workflow-state.ts';

import { DrivenWorkflow, failureLike } from '../support/driven-workflow.ts';
import type { StepSketch } from '../support/graphs.ts';
import { graph } from '../support/graphs.ts';

/*
 * Random graphs under random courses of events: results, failures, lost nodes, repeats, late messages, time, cancel.
 * DrivenWorkflow checks W2 after every message; here is what must be true of the whole.
 */

const few = fc.nat(11);
const limit = fc.option(fc.integer({ min: 1, max: 5000 }), { freq: 2 });

const stepParts = fc.record({
  needs: fc.array(few, { maxLength: 4 }),
  onError: fc.option(few, { freq: 2 }),
  conditional: fc.boolean(),
  waits: fc.nat(4).map((chance) => chance === 0),
  whenNeedsSkipped: fc.constantFrom('run' as const, 'skip' as const),
  retry: fc.record({
    maxAttempts: fc.integer({ min: 1, max: 4 }),
    initialIntervalMs: fc.constantFrom(0, 10, 1000),
    jitter: fc.constantFrom(0, 0.5),
    maxElapsedMs: fc.option(fc.constant(2000)),
  }),
  timeouts: fc.record({
    startToCloseMs: limit,
    scheduleToStartMs: limit,
    scheduleToCloseMs: limit,
    heartbeatMs: limit,
  }),
});

const graphs = fc
  .record({
    parts: fc.array(stepParts, { minLength: 1, maxLength: 12 }),
    order: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
    onFailure: fc.constantFrom('cancelSiblings' as const, 'letFinish' as const),
    timeoutMs: fc.option(fc.integer({ min: 1, max: 20_000 }), { freq: 4 }),
  })
  .map(({ parts, order, onFailure, timeoutMs }): Graph => {
    const handlers = new Set<number>();
    const steps = parts.map(({ needs, onError, waits, ...rest }, number): [string, StepSketch] => {
      const handler = onError === null ? number : onError;
      const handled = handler > number && handler < parts.length && !handlers.has(handler);
      if (handled) handlers.add(handler);
      const before = [...new Set(needs)].filter((need) => need < number);
      return [
        `s${number}`,
        {
          ...rest,
          needs: before.map((need) => `s${need}`),
          onError: handled ? `s${handler}` : null,
          ...(waits ? { signal: {}, conditional: false, retry: {} } : {}),
        },
      ];
    });
    // Dependencies may be named before or after the steps that need them.
    const shuffled = steps
      .map((step, index) => ({ step, key: order[index] ?? 0 }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ step }) => step);
    const whole = graph(Object.fromEntries(shuffled), { onFailure, timeoutMs });
    return canRun(whole)
      ? whole
      : { ...whole, steps: whole.steps.map((step) => ({ ...step, onError: null })) };
  });

/** An error handler may close a circle, which no builder lets through. */
function canRun(whole: Graph): boolean {
  try {
    planOf(whole);
    return true;
  } catch {
    return false;
  }
}

const moves = fc.array(
  fc.record({
    type: fc.oneof(
      { weight: 6, arbitrary: fc.constant('complete' as const) },
      { weight: 5, arbitrary: fc.constant('begin' as const) },
      {
        weight: 8,
        arbitrary: fc.constantFrom(
          'fail' as const,
          'failForGood' as const,
          'failUntil' as const,
          'skip' as const,
          'progress' as const,
          'lose' as const,
          'release' as const,
          'repeat' as const,
          'stale' as const,
          'astray' as const,
        ),
      },
      { weight: 6, arbitrary: fc.constant('wake' as const) },
      { weight: 1, arbitrary: fc.constantFrom('cancel' as const, 'startAgain' as const) },
      { weight: 2, arbitrary: fc.constant('retry' as const) },
      { weight: 4, arbitrary: fc.constant('signal' as const) },
    ),
    pick: fc.nat(1000),
    ms: fc.oneof(fc.nat(50), fc.nat(3000)),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { maxLength: 60 },
);
type Move = typeof moves extends fc.Arbitrary<readonly (infer Each)[]> ? Each : never;

interface Turn {
  readonly wasClosed: boolean;
  readonly events: readonly WorkflowEvent[];
  readonly effects: readonly Effect[];
}

/** One course from start to end. Whatever was handed out is answered at last, and due times are kept. */
class Course {
  readonly workflow: DrivenWorkflow;
  readonly turns: Turn[] = [];
  readonly #sent: WorkflowCommand[] = [];
  #mayRetry = true;
  readonly #isStored: boolean;

  constructor(plan: Graph, isStored: boolean) {
    this.workflow = new DrivenWorkflow(plan);
    this.#isStored = isStored;
    const { name, version } = plan;
    const { timeoutMs } = plan;
    this.#send({ type: 'workflow.start', name, version, input: {}, timeoutMs, onConflict: 'fail' });
  }

  run(course: readonly Move[]): this {
    for (const move of course) this.#move(move);
    this.#finish();
    // In another order, so that it is retried in many states, and so are the retries of it.
    for (const move of course.toReversed()) this.#move(move);
    this.#finish();
    this.#mayRetry = false;
    for (const move of course) this.#move(move);
    return this;
  }

  #finish(): void {
    for (let turns = 0; !isClosed(this.workflow.state); turns += 1) {
      if (turns > 1000) throw new Error('it never ends');
      const out = this.workflow.state.tasks.findIndex(isOut);
      const waiting = this.workflow.state.tasks.findIndex(({ status }) => status === 'waiting');
      if (waiting >= 0) this.#signal(waiting, turns);
      else if (out >= 0) this.#end(out, { status: 'completed', output: { [`o${out}`]: turns } });
      else this.#sleep();
    }
  }

  #move({ type, pick, ms, random }: Move): void {
    const { workflow } = this;
    workflow.random = random;
    const out = workflow.state.tasks.flatMap((task, number) => (isOut(task) ? [number] : []));
    const step = out[pick % Math.max(1, out.length)] ?? pick % workflow.state.tasks.length;
    const { attempt = 0, delivery = 0 } = workflow.state.tasks[step] ?? {};
    switch (type) {
      case 'begin':
        workflow.now += ms % 10;
        this.#send({
          type: 'task.started',
          step,
          attempt,
          delivery,
          node: 'here',
          at: workflow.now - ms,
        });
        return;
      case 'complete':
        this.#end(step, { status: 'completed', output: { [`o${step}`]: pick } });
        return;
      case 'skip':
        if (workflow.plan.graph.steps[step]?.conditional) this.#end(step, { status: 'skipped' });
        return;
      case 'fail':
        this.#end(step, { status: 'failed', failure: failureLike() });
        return;
      case 'failForGood':
        this.#end(step, { status: 'failed', failure: failureLike({ retryable: false }) });
        return;
      case 'failUntil':
        this.#end(step, { status: 'failed', failure: failureLike({ retryAfterMs: ms }) });
        return;
      case 'progress':
        workflow.now += ms % 10;
        this.#send({
          type: 'task.progressed',
          step,
          attempt,
          progress:
            [{}, { fraction: random }, { details: { pick } }, { note: 'n' }][pick % 4] ?? {},
        });
        return;
      case 'lose':
        this.#send({ type: 'task.lost', step, attempt, delivery });
        return;
      case 'release':
        this.#end(step, { status: 'released', reason: 'drain' });
        return;
      case 'repeat': {
        const again = this.#sent[pick % this.#sent.length];
        if (again !== undefined) this.#send(again);
        return;
      }
      case 'stale':
        this.#send({
          ...this.#ended(step, { status: 'completed', output: null }),
          attempt: attempt - 1,
        });
        return;
      case 'astray':
        this.#send({ ...this.#ended(step, { status: 'completed', output: null }), step: pick });
        return;
      case 'wake':
        workflow.now += ms;
        this.#wake();
        return;
      case 'cancel':
        if (pick % 4 === 0) this.#send({ type: 'workflow.cancel', reason: 'enough' });
        return;
      case 'startAgain': {
        const [start] = this.#sent;
        if (start !== undefined) this.#send(start);
        return;
      }
      case 'signal':
        this.#signal(pick % workflow.state.tasks.length, pick);
        return;
      case 'retry':
        this.#retry();
    }
  }

  #signal(step: number, pick: number): void {
    const signal = this.workflow.plan.steps[step]?.step.name ?? '';
    this.#send({ type: 'workflow.signal', signal, payload: { [`o${step}`]: pick } });
  }

  #retry(): void {
    const before = this.workflow.state;
    const shown = JSON.stringify(before);
    this.#send({ type: 'workflow.retry' });
    if (this.#mayRetry && before.status === 'failed') expectOpened(this.workflow, before, shown);
  }

  #sleep(): void {
    const due = this.workflow.dueAt();
    if (due === null) throw new Error('nothing is out and nothing is due, so it can never end');
    this.workflow.now = Math.max(this.workflow.now, due);
    this.#wake();
  }

  #wake(): void {
    this.#send({ type: 'wake' });
    const due = isClosed(this.workflow.state) ? null : this.workflow.dueAt();
    if (due !== null) expect(due, 'what was due is done').to.be.above(this.workflow.now);
  }

  #end(step: number, outcome: Outcome): void {
    this.#send(this.#ended(step, outcome));
  }

  #ended(step: number, outcome: Outcome): Extract<WorkflowCommand, { type: 'task.ended' }> {
    const { attempt = 0, delivery = 0 } = this.workflow.state.tasks[step] ?? {};
    const startedAt = this.workflow.now - 5;
    return { type: 'task.ended', step, attempt, delivery, node: 'here', startedAt, outcome };
  }

  #send(command: WorkflowCommand): void {
    if (command.type === 'workflow.retry' && !this.#mayRetry) return;
    const wasClosed =
      this.turns.length > 0 &&
      isClosed(this.workflow.state) &&
      !(command.type === 'workflow.retry' && this.workflow.state.status === 'failed');
    this.#sent.push(command);
    const { events, effects } = this.workflow.send(command, { id: `m${this.#sent.length}` });
    this.turns.push({ wasClosed, events: [...events], effects: [...effects] });
    if (this.#isStored) this.workflow.moveThroughStore();
  }
}

describe('any workflow, whatever happens to it', () => {
  it('ends, by its events alone, having handed out each delivery of an attempt once', () => {
    fc.assert(
      fc.property(graphs, moves, (plan, course) => {
        const { workflow, turns } = new Course(plan, false).run(course);

        for (const { wasClosed, events, effects } of turns) {
          if (wasClosed) expect([...events, ...effects]).to.deep.equal([]);
          const ordered = events.flatMap((event) =>
            event.type === 'task.scheduled'
              ? [`${event.step}.${event.attempt}.${event.delivery}`]
              : [],
          );
          const handedOut = effects.flatMap((effect) =>
            effect.type === 'execute' ? [keyOf(effect)] : [],
          );
          expect(handedOut).to.deep.equal(ordered);
        }
        const all = workflow.executed.map((work) => keyOf({ work }));
        expect(all).to.deep.equal([...new Set(all)]);
        expectOrder(workflow);
        expectEnd(workflow);
      }),
      { numRuns: 500 },
    );
  });

  it('decides the same when it is stored and loaded between any two messages', () => {
    fc.assert(
      fc.property(graphs, moves, (plan, course) => {
        const straight = new Course(plan, false).run(course);

        const stored = new Course(plan, true).run(course);

        expect(stored.turns).to.deep.equal(straight.turns);
      }),
      { numRuns: 150 },
    );
  });
});

function keyOf({ work }: { work: { task: number; attempt: number; delivery: number } }): string {
  return `${work.task}.${work.attempt}.${work.delivery}`;
}

/** It goes on; what had completed is as it was, and so is what was shown of the end before. */
function expectOpened({ state, plan }: DrivenWorkflow, before: WorkflowState, shown: string): void {
  expect(JSON.stringify(before)).to.equal(shown);
  expect(state).to.include({ status: 'running', endedAt: null, failure: null });
  for (const [number, task] of before.tasks.entries()) {
    const now = state.tasks[number];
    if (task.status === 'completed') expect(now).to.deep.equal(task);
    if (task.status === 'canceled')
      expect(now?.status).to.be.oneOf(['pending', 'skipped', 'waiting', 'completed']);
    if (now === undefined || hasEnded(now)) continue;
    const behind = plan.steps[number]?.waitedForBy.map((waiting) => state.tasks[waiting]) ?? [];
    expect(behind.filter((other) => other === undefined || hasEnded(other))).to.deep.equal([]);
  }
}

/** No step starts before all that it waits for has ended; attempts and deliveries count on by one; a signal comes once. */
function expectOrder({ plan, journal }: DrivenWorkflow): void {
  const ended = new Set<number>();
  const newest = new Map<number, { attempt: number; delivery: number }>();
  const signaled = journal.flatMap((event) => (event.type === 'task.signaled' ? [event.step] : []));
  expect(signaled).to.deep.equal([...new Set(signaled)]);
  for (const event of journal) {
    if (event.type === 'task.scheduled' || event.type === 'task.waiting') {
      const { step, attempt } = event;
      const delivery = event.type === 'task.waiting' ? 1 : event.delivery;
      const waitsFor = plan.steps[step]?.waitsFor ?? [];
      expect(waitsFor.filter((number) => !ended.has(number))).to.deep.equal([]);
      const before = newest.get(step) ?? { attempt: 0, delivery: 1 };
      const isNext = delivery === 1 ? before.attempt + 1 : before.attempt;
      expect(attempt).to.equal(isNext);
      if (delivery > 1) expect(delivery).to.equal(before.delivery + 1);
      newest.set(step, { attempt, delivery });
    } else if (event.type === 'workflow.retried') {
      for (const step of event.steps) ended.delete(step);
    } else if (
      event.type === 'task.completed' ||
      event.type === 'task.skipped' ||
      (event.type === 'task.failed' && event.retryAt === null)
    ) {
      ended.add(event.step);
    }
  }
}

/** The end fits what happened to the tasks. */
function expectEnd({ plan, state, journal }: DrivenWorkflow): void {
  expect(state.tasks.every(hasEnded)).to.equal(true);
  expect(state.open).to.equal(0);
  expect(journal.at(-1)?.type).to.equal(`workflow.${state.status}`);
  if (state.status === 'failed') expect(state.failure).not.to.equal(null);
  if (state.status === 'canceled') expect(state.cancelReason).to.equal('enough');
  if (state.status !== 'completed') return;
  for (const { number, onError, step } of plan.steps) {
    const task = state.tasks[number];
    expect(task?.status, step.name).not.to.equal('canceled');
    if (task?.status !== 'failed') continue;
    const handler = onError === null ? undefined : state.tasks[onError];
    expect(handler?.status, `whoever handled ${step.name}`).to.be.oneOf(['completed', 'failed']);
  }
}
