import type { Why } from '#actors/why.ts';

/*
 * The live protocol, spoken by the door and the console: what is said. How a watcher's picture follows is in live-picture.ts.
 * Both sides run both files, so they import nothing but each other, and types.
 *
 * A watcher subscribes to a **topic** and gets its whole data at a version, then **deltas** from one version to the next.
 * - L1  A delta that begins where the watcher stands, or before, is applied; what the watcher has already is ignored.
 * - L2  A delta that begins later means that something was missed: the watcher subscribes again from where it stands.
 * - L3  Versions compare within one epoch only; another epoch is a gap.
 * - L4  Operations carry new state, never changes of it: merged or applied twice, the outcome is the same.
 */
export const protocolVersion = 1;
export const namespace = '/v1';

/** How many rows the list keeps, and lines the log of a workflow. */
export const rowLimit = 100;
export const logLimit = 300;
export const overviewLimits = { minutes: 60, recent: 8, failures: 6 };

export type WorkflowState = 'pending' | 'running' | 'completed' | 'failed' | 'canceled';
export type TaskState = WorkflowState | 'waiting' | 'retrying' | 'skipped';

/** JSON to be shown: all of it when it is small, the beginning when it is not. */
export interface Payload {
  readonly text: string;
  readonly length: number;
  readonly whole: boolean;
}

export interface WorkflowRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly tags: Tags;
  readonly state: WorkflowState;
  readonly seq: number;
  readonly error?: string;
  readonly created_at: string;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly task_states: Readonly<Record<string, number>>;
}

export type Counts = Readonly<Record<WorkflowState, number>>;

export type Tags = Readonly<Record<string, string>>;

export interface WorkflowCard {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly tags: Tags;
  /** Only while it has not ended. */
  readonly why?: Why;
  readonly state: WorkflowState;
  readonly error?: string;
  /** The step whose failure it is. */
  readonly failed_step?: string;
  readonly created_at: string;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly timeout_at?: string;
  readonly output?: Payload;
}

export interface TaskCard {
  readonly id: string;
  readonly step: string;
  readonly type: string;
  readonly state: TaskState;
  readonly attempt: number;
  readonly retry_count: number;
  readonly max_retries: number;
  readonly created_at: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly next_attempt_at?: string;
  readonly worker_id?: string;
  readonly error?: string;
  readonly error_name?: string;
  readonly reason?: string;
  readonly progress?: { readonly fraction: number | null; readonly note: string | null };
  readonly input: Payload;
  readonly output?: Payload;
}

export interface LogLine {
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly step: number;
  readonly attempt: number;
}

/** What a drawing needs of a step. */
export interface StepCard {
  readonly name: string;
  readonly task: string;
  readonly needs: readonly string[];
  readonly onError: string | null;
  readonly conditional: boolean;
  /** There when it runs nothing, and waits for the signal of its name. */
  readonly signal?: object;
}

export interface ListData {
  readonly kind: 'list';
  /** Newest first. */
  readonly rows: readonly WorkflowRow[];
  readonly counts: Counts;
  /** How often changes may have been missed: whoever shows rows that are not among these reads them again when it rises. */
  readonly missed: number;
}

export interface WorkflowData {
  readonly kind: 'workflow';
  readonly workflow: WorkflowCard;
  /** Never changes, so it is in no operation. */
  readonly input: Payload;
  readonly steps: readonly StepCard[];
  /** One per step, in the same order. */
  readonly tasks: readonly TaskCard[];
  /** Oldest first. */
  readonly logs: readonly LogLine[];
}

/** What happened in one minute; `at` is its start. */
export interface Minute {
  readonly at: string;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly canceled: number;
}

export type NodeState = 'up' | 'draining' | 'suspect' | 'down';

export interface NodeDot {
  readonly name: string;
  readonly state: NodeState;
}

export interface OverviewData {
  readonly kind: 'overview';
  readonly counts: Counts;
  /** Oldest first; a minute in which nothing happened may be absent. */
  readonly minutes: readonly Minute[];
  /** Newest first. */
  readonly recent: readonly WorkflowRow[];
  /** The newest that failed. */
  readonly failures: readonly WorkflowRow[];
  /** That which has been running for longest. */
  readonly oldest: WorkflowRow | null;
  readonly nodes: readonly NodeDot[];
}

/** A node as the cluster page shows it: figures are rounded, so that what is nearly the same is told once. */
export interface NodeCard {
  readonly name: string;
  readonly state: NodeState;
  readonly version: string;
  readonly url: string | null;
  readonly shards: number;
  readonly offers: readonly string[];
  readonly started_at: string;
  /** How long nothing was heard of it; 0 while it beats as it should. */
  readonly silent_ms: number;
  readonly running: number;
  readonly actors: number;
  readonly threads: number;
  /** 0 to 1, of the event loop. */
  readonly utilization: number;
  readonly rss_bytes: number;
}

/** The owner of each shard: its place among the names, or -1 for none. */
export interface Owners {
  readonly names: readonly string[];
  readonly of: readonly number[];
}

export interface ClusterData {
  readonly kind: 'cluster';
  /** The node that tells it. */
  readonly node: string;
  readonly shards: number;
  /** By name. */
  readonly nodes: readonly NodeCard[];
  readonly owners: Owners;
}

export type TopicData = ListData | WorkflowData | OverviewData | ClusterData;

export type Operation =
  | { readonly op: 'row'; readonly row: WorkflowRow }
  | { readonly op: 'counts'; readonly counts: Counts }
  | { readonly op: 'missed'; readonly missed: number }
  | { readonly op: 'minute'; readonly minute: Minute }
  /** Of all rows that failed, these are the newest: others have been retried, or are too old. */
  | { readonly op: 'failures'; readonly ids: readonly string[] }
  | { readonly op: 'oldest'; readonly row: WorkflowRow | null }
  | { readonly op: 'nodes'; readonly nodes: readonly NodeDot[] }
  | { readonly op: 'node'; readonly node: NodeCard }
  | { readonly op: 'gone'; readonly name: string }
  | { readonly op: 'owners'; readonly owners: Owners }
  | { readonly op: 'workflow'; readonly workflow: WorkflowCard }
  | { readonly op: 'task'; readonly task: TaskCard }
  | { readonly op: 'logs'; readonly lines: readonly LogLine[] };

/** A place in the versions of a topic. */
export interface Cursor {
  readonly epoch: string;
  readonly ver: number;
}

/** `d`: from version f to version v. */
export interface Delta {
  readonly t: string;
  readonly e: string;
  readonly f: number;
  readonly v: number;
  readonly ops: readonly Operation[];
}

/** `snap`: the whole data anew, because the watcher fell too far behind. */
export interface Snapshot {
  readonly t: string;
  readonly e: string;
  readonly v: number;
  readonly data: TopicData;
  readonly reason: 'gap' | 'epoch' | 'overflow';
}

/** What went wrong, with the code and message of the REST API's problems. */
export interface LiveProblem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface Subscribe {
  readonly topic: string;
  readonly since?: Cursor | undefined;
}

export type Subscribed =
  | {
      readonly ok: true;
      readonly mode: 'snapshot';
      readonly epoch: string;
      readonly ver: number;
      readonly data: TopicData;
    }
  | {
      readonly ok: true;
      readonly mode: 'delta';
      readonly epoch: string;
      readonly from: number;
      readonly ver: number;
      readonly ops: readonly Operation[];
    }
  | { readonly ok: false; readonly problem: LiveProblem };

export interface Hello {
  readonly proto: number;
  readonly node: string;
  readonly server_time: string;
  readonly limits: { readonly topics: number; readonly window: number };
}

/** A watcher answers every `d` and `snap` when it has taken it in: that is its credit for the next. */
export interface ServerEvents {
  hello: (hello: Hello) => void;
  d: (delta: Delta, ack: () => void) => void;
  snap: (snapshot: Snapshot, ack: () => void) => void;
  /** The server ends the connection, and this is why; the session has ended (401), or too many messages came (429). */
  refused: (problem: LiveProblem) => void;
  server_leaving: (notice: { in_ms: number; jitter_ms: number }) => void;
}

export interface ClientEvents {
  sub: (message: Subscribe, ack: (answer: Subscribed) => void) => void;
  unsub: (message: { topic: string }, ack?: (answer: { ok: true }) => void) => void;
}
