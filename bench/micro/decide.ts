/*
 * How many decisions a second makes: `node bench/micro/decide.ts`. No I/O: what is left when everything else is free.
 * By the clock, and by CPU time, for which neighbours on the machine do not count.
 */
import type { Graph } from '#actors/definition.ts';
import type { DecisionContext, WorkflowCommand } from '#actors/message.ts';
import type { Plan } from '#actors/plan.ts';
import { planOf } from '#actors/plan.ts';
import type { WorkflowState } from '#actors/workflow-state.ts';
import { isClosed } from '#actors/workflow-state.ts';
import { decideWorkflow, workflowDueAt } from '#actors/workflow.ts';

import { chain, fan, orderProcessing } from '../../test/support/graphs.ts';

const context: DecisionContext = {
  now: 1_700_000_000_000,
  random: () => 0.5,
  place: () => 'here',
};

const secondsEach = 2;

for (const graph of [orderProcessing(), chain(40), fan(400)]) {
  measure(withLimits(graph), secondsEach / 4);
  const { decisions, workflows, seconds, cpuSeconds } = measure(withLimits(graph), secondsEach);
  console.log(
    `${graph.name.padEnd(16)} ${rate(decisions, seconds)} decisions/s ${rate(workflows, seconds)} workflows/s, by CPU time ${rate(decisions, cpuSeconds)} decisions/s`,
  );
}

function rate(count: number, seconds: number): string {
  return Math.round(count / seconds)
    .toLocaleString('en')
    .padStart(9);
}

/** Timeouts as the SDK sets them, so that due times have to be looked for. */
function withLimits(graph: Graph): Graph {
  return {
    ...graph,
    timeoutMs: 3_600_000,
    steps: graph.steps.map((step) => ({
      ...step,
      timeouts: { ...step.timeouts, startToCloseMs: 600_000 },
    })),
  };
}

function measure(graph: Graph, forSeconds: number): Measured {
  const plan = planOf(graph);
  const began = performance.now();
  const cpuBegan = process.cpuUsage();
  let decisions = 0;
  let workflows = 0;
  let seconds = 0;
  while (seconds < forSeconds) {
    decisions += runOne(plan);
    workflows += 1;
    seconds = (performance.now() - began) / 1000;
  }
  const { user, system } = process.cpuUsage(cpuBegan);
  return { decisions, workflows, seconds, cpuSeconds: (user + system) / 1e6 };
}

interface Measured {
  readonly decisions: number;
  readonly workflows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** One workflow from start to end, asked for its due time after each decision as its owner does. */
function runOne(plan: Plan): number {
  const { name, version } = plan.graph;
  let state: WorkflowState | null = null;
  let decisions = 0;
  const out: { readonly task: number; readonly attempt: number }[] = [];
  const decide = (command: WorkflowCommand): WorkflowState => {
    decisions += 1;
    const turn = decideWorkflow(plan, state, { id: `m${decisions}`, to: 'wf', command }, context);
    if (turn.state === null) throw new Error('the workflow was not accepted');
    for (const effect of turn.effects) if (effect.type === 'execute') out.push(effect.work);
    workflowDueAt(plan, turn.state);
    return turn.state;
  };
  state = decide({
    type: 'workflow.start',
    name,
    version,
    input: { order: 7 },
    timeoutMs: null,
    onConflict: 'fail',
  });
  for (const { task, attempt } of out) {
    state = decide({
      type: 'task.ended',
      step: task,
      attempt,
      node: 'here',
      startedAt: context.now,
      outcome: { status: 'completed', output: { done: true } },
    });
  }
  if (!isClosed(state)) throw new Error(`${name} did not end`);
  return decisions;
}
