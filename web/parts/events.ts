/*
 * What has happened to a workflow, as GET …/events tells it: the part of it that the console reads. Times are milliseconds
 * since 1970, `step` is the number of a step in the definition, and the numbers of events go from 1 without a gap.
 */
export type WorkflowEvent =
  | TaskScheduled
  | TaskWaiting
  | TaskSignaled
  | TaskStarted
  | TaskProgressed
  | TaskCompleted
  | TaskFailed
  | TaskEnded
  | OfWorkflow;

interface Numbered {
  readonly seq: number;
  readonly at: number;
}

interface OfTask extends Numbered {
  readonly step: number;
  readonly attempt: number;
}

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

export interface TaskScheduled extends OfTask {
  readonly type: 'task.scheduled';
  readonly delivery: number;
  readonly where: string;
  readonly lost?: true;
}

export interface TaskWaiting extends OfTask {
  readonly type: 'task.waiting';
}

interface TaskSignaled extends Numbered {
  readonly type: 'task.signaled';
  readonly step: number;
  readonly by: string;
  readonly payload?: unknown;
}

interface TaskStarted extends OfTask {
  readonly type: 'task.started';
  readonly node: string;
}

interface TaskProgressed extends OfTask {
  readonly type: 'task.progressed';
  readonly fraction?: number;
  readonly note?: string;
}

interface TaskCompleted extends OfTask {
  readonly type: 'task.completed';
  readonly startedAt: number;
  /** null when a signal came. */
  readonly node: string | null;
  readonly output?: unknown;
}

interface TaskFailed extends OfTask {
  readonly type: 'task.failed';
  readonly startedAt: number | null;
  readonly node: string | null;
  readonly failure: Failure;
  readonly retryAt: number | null;
}

interface TaskEnded extends Numbered {
  readonly type: 'task.skipped' | 'task.canceled';
  readonly step: number;
  readonly reason: string;
}

interface OfWorkflow extends Numbered {
  readonly type: `workflow.${string}`;
  readonly name?: string;
  readonly version?: string;
  readonly input?: unknown;
  readonly failure?: Failure;
  readonly reason?: string;
}

/** Messages longer than this are cut in lists. */
const messageLimit = 300;

/**
 * An event without what may be large: fifty thousand of them must fit into a page. Whoever wants to see the whole of one asks
 * for it again.
 */
export function slim(event: WorkflowEvent): WorkflowEvent {
  switch (event.type) {
    case 'task.completed':
      return { ...event, output: undefined };
    case 'task.signaled':
      return { ...event, payload: undefined };
    case 'task.failed':
      return { ...event, failure: slimFailure(event.failure) };
    case 'task.progressed': {
      const { type, seq, at, step, attempt, fraction, note } = event;
      return {
        type,
        seq,
        at,
        step,
        attempt,
        ...(fraction === undefined ? {} : { fraction }),
        ...(note === undefined ? {} : { note }),
      };
    }
    case 'task.scheduled':
    case 'task.waiting':
    case 'task.started':
    case 'task.skipped':
    case 'task.canceled':
      return event;
    default: {
      const { failure } = event;
      const cut = failure === undefined ? {} : { failure: slimFailure(failure) };
      return { ...event, ...cut, input: undefined };
    }
  }
}

/** The number of the step that it is about, or null when it is about the workflow. */
export function stepOf(event: WorkflowEvent): number | null {
  return 'step' in event ? event.step : null;
}

/** What it says in its own words, not in ours. */
export function wordsOf(event: WorkflowEvent): string {
  switch (event.type) {
    case 'task.scheduled':
      return event.where;
    case 'task.started':
      return event.node;
    case 'task.completed':
      return event.node ?? '';
    case 'task.waiting':
      return '';
    case 'task.signaled':
      return event.by;
    case 'task.progressed':
      return event.note ?? '';
    case 'task.failed':
      return `${event.failure.name}: ${event.failure.message}`;
    case 'task.skipped':
    case 'task.canceled':
      return event.reason;
    default:
      return event.failure?.message ?? event.reason ?? '';
  }
}

function slimFailure({ name, message }: Failure): Failure {
  return { name, message: message.slice(0, messageLimit) };
}
