import { underDefaults } from './defaults.ts';
import { anyNode } from './message.ts';
import type { Plan, PlannedStep } from './plan.ts';
import { stepTimeoutAt } from './time-limits.ts';
import type { TaskState, WorkflowState } from './workflow-state.ts';
import { hasEnded, isClosed, isOut } from './workflow-state.ts';

/**
 * Why a workflow that has not ended is where it is: one sentence, as data, for pages and programs to put into words. Instants
 * are RFC 3339.
 */
export interface Why {
  readonly code: WhyCode;
  /** The step that it is about. */
  readonly step?: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** When it goes on by itself, or gives up. */
  readonly until?: string;
}

export type WhyCode =
  /** Nobody decides for it just now; its owner is being found. `shard` */
  | 'WAITING_FOR_OWNER'
  /** `node`, `attempt`, `since` */
  | 'RUNNING'
  /** It runs, but has said nothing for long; until its heartbeat timeout, if it has one. `node`, `attempt`, `since` */
  | 'RUNNING_SILENT'
  /** `attempt` of `max` has failed with `error`; `max` is what the policy allows, and both begin anew with a retry of the workflow. */
  | 'WAITING_FOR_RETRY'
  /** Nothing but a signal of this name lets it go on; until its time is up, if it has a limit. `signal`, `since` */
  | 'WAITING_FOR_SIGNAL'
  /** No live node has the code. `type` */
  | 'NO_NODE_OFFERS_TYPE'
  /** It waits for a free thread of a node that has the code. `type`, `since` */
  | 'WAITING_FOR_CAPACITY'
  /** It was handed out a moment ago. `type` */
  | 'STARTING';

/** What only the owner knows. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether a node that lives offers this queue. */
  offers(queue: string): boolean;
  /** The name of a node for people. */
  nodeName(id: string): string;
}

/** What waits for a thread longer than this is not just starting. */
const startingMs = 1_000;
/** A handler that has sent heartbeats, without a timeout for them, is silent after this time. */
const silentMs = 60_000;
const errorLength = 200;
/** After every instant. */
const never = '~';

/** What somebody has to see to comes first, then what goes on, then what waits. */
const order: readonly WhyCode[] = [
  'NO_NODE_OFFERS_TYPE',
  'WAITING_FOR_SIGNAL',
  'RUNNING',
  'RUNNING_SILENT',
  'WAITING_FOR_RETRY',
  'WAITING_FOR_CAPACITY',
  'STARTING',
  'WAITING_FOR_OWNER',
];

/** Null when it has ended. Of many steps the one that says most; of retries the one that is due first. */
export function whyOf(plan: Plan, state: WorkflowState, around: Surroundings): Why | null {
  if (isClosed(state)) return null;
  let best: Why = { code: 'STARTING', params: {} };
  for (const planned of underDefaults(plan, state.defaults).steps) {
    const task = state.tasks[planned.number];
    if (task === undefined || hasEnded(task)) continue;
    const why = whyOfTask(planned, task, state, around);
    if (why !== null && (best.step === undefined || saysMore(why, best))) best = why;
  }
  return best;
}

function saysMore(why: Why, than: Why): boolean {
  const rank = order.indexOf(why.code) - order.indexOf(than.code);
  return rank < 0 || (rank === 0 && (why.until ?? never) < (than.until ?? never));
}

/** Null when it is not its turn yet. */
function whyOfTask(
  { step }: PlannedStep,
  task: TaskState,
  { timeoutAt }: WorkflowState,
  around: Surroundings,
): Why | null {
  const { name, queue } = step;
  if (task.status === 'retrying' && task.retryAt !== null) {
    return {
      code: 'WAITING_FOR_RETRY',
      step: name,
      params: {
        attempt: task.attempt - task.attemptsBefore,
        max: step.retry.maxAttempts,
        error: (task.failure?.message ?? '').slice(0, errorLength),
      },
      until: iso(task.retryAt),
    };
  }
  if (task.status === 'waiting') {
    const due = Math.min(stepTimeoutAt(step, task), timeoutAt ?? Infinity);
    return {
      code: 'WAITING_FOR_SIGNAL',
      step: name,
      params: { signal: name, since: iso(task.startedAt ?? around.now) },
      ...(due === Infinity ? {} : { until: iso(due) }),
    };
  }
  if (!isOut(task) || task.scheduledAt === null) return null;
  if (task.status === 'running') return whyRunning(step, task, around);
  if (task.where === anyNode && !around.offers(queue)) {
    return { code: 'NO_NODE_OFFERS_TYPE', step: name, params: { type: queue } };
  }
  return around.now - task.scheduledAt < startingMs
    ? { code: 'STARTING', step: name, params: { type: queue } }
    : {
        code: 'WAITING_FOR_CAPACITY',
        step: name,
        params: { type: queue, since: iso(task.scheduledAt) },
      };
}

function whyRunning(step: PlannedStep['step'], task: TaskState, around: Surroundings): Why {
  const { heartbeatMs } = step.timeouts;
  const heardAt = task.heartbeatAt ?? task.startedAt ?? around.now;
  // Half of its timeout is long enough to be worth a word; who never promised a heartbeat is not missed.
  const patienceMs =
    heartbeatMs === null ? (task.heartbeatAt === null ? Infinity : silentMs) : heartbeatMs / 2;
  const isSilent = around.now - heardAt >= patienceMs;
  const due = stepTimeoutAt(step, task);
  return {
    code: isSilent ? 'RUNNING_SILENT' : 'RUNNING',
    step: step.name,
    params: {
      node: around.nodeName(task.node ?? ''),
      attempt: task.attempt,
      since: iso(isSilent ? heardAt : (task.startedAt ?? around.now)),
    },
    ...(isSilent && heartbeatMs !== null ? { until: iso(due) } : {}),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
