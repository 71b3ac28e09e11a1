import type { JsonObject, Json } from './json.ts';
import type { Plan, PlannedStep } from './plan.ts';
import type { Work } from './work.ts';
import type { TaskState, WorkflowState } from './workflow-state.ts';
import { isOut } from './workflow-state.ts';

/** What the node that runs a step is given. */
export function workOf(
  state: WorkflowState,
  plan: Plan,
  planned: PlannedStep,
  task: TaskState,
): Work {
  const { step } = planned;
  const work: Work = {
    actor: state.id,
    task: planned.number,
    attempt: task.attempt,
    delivery: task.delivery,
    queue: step.queue,
    priority: step.priority,
    isolate: step.isolate,
    scheduledAt: task.scheduledAt ?? 0,
    job: {
      kind: 'task',
      workflow: state.name,
      version: state.version,
      step: step.name,
      conditional: step.conditional,
      mapped: step.mapped,
      ...stepContext(state, plan, planned),
      heartbeatDetails: task.details,
    },
  };
  return state.trace === undefined ? work : { ...work, trace: state.trace };
}

/** What somebody should be running now: to be handed out again when the node that had it is gone. */
export function workflowWorkOut(
  plan: Plan,
  state: WorkflowState,
): readonly { readonly work: Work; readonly where: string }[] {
  return plan.steps.flatMap((planned) => {
    const task = state.tasks[planned.number];
    return task !== undefined && isOut(task) && task.where !== null
      ? [{ work: workOf(state, plan, planned, task), where: task.where }]
      : [];
  });
}

/** What the handler of a step is given: the workflow's input and the outputs of the steps before it. */
export function stepContext(
  state: WorkflowState,
  plan: Plan,
  planned: PlannedStep,
): {
  readonly input: JsonObject;
  readonly outputs: Readonly<Record<string, Json>>;
  readonly error?: JsonObject;
} {
  const outputs: Record<string, Json> = {};
  for (const number of planned.ancestors) {
    const task = state.tasks[number];
    const ancestor = plan.steps[number];
    if (task?.status === 'completed' && ancestor !== undefined) {
      outputs[ancestor.step.name] = task.output;
    }
  }
  const handled = planned.handles === null ? null : state.tasks[planned.handles];
  const failed = planned.handles === null ? null : plan.steps[planned.handles];
  return {
    input: state.input,
    outputs,
    ...(handled?.status === 'failed' && handled.failure && failed
      ? {
          error: {
            step: failed.step.name,
            name: handled.failure.name,
            kind: handled.failure.kind,
            message: handled.failure.message,
            attempt: handled.attempt,
          },
        }
      : {}),
  };
}
