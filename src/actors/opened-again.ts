import type { Plan, PlannedStep } from './plan.ts';
import type { WorkflowState } from './workflow-state.ts';

/**
 * Which steps of a failed workflow run again: those whose failure nobody has handled, those that were canceled with it, and
 * whatever waits for one of them, for that was skipped or canceled for a reason that may not hold any more.
 *
 * All else stays: outputs of completed steps, failures that a handler has taken on, steps skipped for a reason that lies
 * before them. None of them waits for a step that is opened, because nothing starts behind a failure.
 */
export function stepsToOpen(plan: Plan, state: WorkflowState): readonly number[] {
  const opened = new Set<number>();
  const open = (number: number): void => {
    if (opened.has(number)) return;
    opened.add(number);
    for (const waiting of plan.steps[number]?.waitedForBy ?? []) open(waiting);
  };
  for (const planned of plan.steps) {
    const status = state.tasks[planned.number]?.status;
    if (status === 'canceled' || (status === 'failed' && !wasHandled(state, planned))) {
      open(planned.number);
    }
  }
  return [...opened].toSorted((a, b) => a - b);
}

/** A handler that was skipped has handled nothing; one that failed has taken the failure on, and runs again by itself. */
function wasHandled(state: WorkflowState, { onError }: PlannedStep): boolean {
  return onError !== null && state.tasks[onError]?.status !== 'skipped';
}
