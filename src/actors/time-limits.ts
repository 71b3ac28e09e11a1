import type { Step } from './definition.ts';
import type { Failure } from './failure.ts';
import type { TaskState, WorkflowState } from './workflow-state.ts';

/** When the first timeout of a step runs out, or Infinity. Asked of every open task after every decision, so it makes nothing. */
export function stepTimeoutAt({ timeouts }: Step, task: TaskState): number {
  if (task.firstScheduledAt === null) return Infinity;
  const { startToCloseMs, scheduleToStartMs, scheduleToCloseMs, heartbeatMs } = timeouts;
  let at = task.firstScheduledAt + (scheduleToCloseMs ?? Infinity);
  if (task.status === 'running' && task.startedAt !== null) {
    at = Math.min(at, task.startedAt + (startToCloseMs ?? Infinity));
    at = Math.min(at, (task.heartbeatAt ?? task.startedAt) + (heartbeatMs ?? Infinity));
  } else if (task.status === 'pending' && task.scheduledAt !== null) {
    at = Math.min(at, task.scheduledAt + (scheduleToStartMs ?? Infinity));
  }
  return at;
}

/** The failure of a step that has run out of time: for good if it is the task's, else by the limit of the attempt that was first. */
export function stepTimeout(step: Step, task: TaskState, now: number): Failure {
  const { startToCloseMs, scheduleToStartMs, scheduleToCloseMs, heartbeatMs } = step.timeouts;
  const { firstScheduledAt, startedAt } = task;
  if (step.signal !== undefined) {
    return timeoutFailure('SignalTimeout', scheduleToCloseMs ?? 0, step.name);
  }
  if (
    firstScheduledAt !== null &&
    scheduleToCloseMs !== null &&
    firstScheduledAt + scheduleToCloseMs <= now
  ) {
    return timeoutFailure('ScheduleToCloseTimeout', scheduleToCloseMs, step.name);
  }
  if (task.status !== 'running') {
    return timeoutFailure('ScheduleToStartTimeout', scheduleToStartMs ?? 0, step.name);
  }
  return startedAt !== null &&
    startToCloseMs !== null &&
    startedAt + startToCloseMs === stepTimeoutAt(step, task)
    ? timeoutFailure('StartToCloseTimeout', startToCloseMs, step.name)
    : timeoutFailure('HeartbeatTimeout', heartbeatMs ?? 0, step.name);
}

/** How long the workflow may take, from its start or from when it was opened again; null is as long as it likes. */
export function workflowTimeoutMs({
  timeoutAt,
  retriedAt,
  createdAt,
}: WorkflowState): number | null {
  return timeoutAt === null ? null : timeoutAt - (retriedAt ?? createdAt);
}

/** The failure of a workflow that has run out of time. */
export function workflowTimeout(state: WorkflowState): Failure {
  return timeoutFailure('WorkflowTimeout', workflowTimeoutMs(state) ?? 0, null);
}

const didNot: Readonly<Record<string, string>> = {
  ScheduleToStartTimeout: 'start',
  HeartbeatTimeout: 'report',
  SignalTimeout: 'get its signal',
};

/** After schedule-to-close there is no time left for another attempt, nor for another signal; those are final. */
function timeoutFailure(name: string, limitMs: number, step: string | null): Failure {
  return {
    kind: 'timeout',
    name,
    message: `${step ?? 'the workflow'} did not ${didNot[name] ?? 'end'} within ${limitMs} ms`,
    retryable: !['ScheduleToCloseTimeout', 'SignalTimeout', 'WorkflowTimeout'].includes(name),
  };
}
