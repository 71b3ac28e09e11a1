/*
 * The live protocol, spoken by the door and the console: what is said, and how a watcher's picture follows. Both sides run
 * this file, so it imports nothing.
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
export type TaskState = WorkflowState | 'retrying' | 'skipped';

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

/** Why a workflow is not further: a code, and plain values for the words that a person reads. */
export interface Why {
  readonly code: WhyCode;
  readonly step?: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** When it will go on by itself. */
  readonly until?: string;
}

export type WhyCode =
  | 'STARTING'
  | 'WAITING_FOR_OWNER'
  | 'RUNNING'
  | 'RUNNING_SILENT'
  | 'WAITING_FOR_RETRY'
  | 'NO_NODE_OFFERS_TYPE'
  | 'WAITING_FOR_CAPACITY';

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

/** What a watcher should do with a delta: rules L1 to L3. */
export function judge(at: Cursor, delta: Pick<Delta, 'e' | 'f' | 'v'>): 'ignore' | 'apply' | 'gap' {
  if (delta.e !== at.epoch || delta.f > at.ver) return 'gap';
  return delta.v <= at.ver ? 'ignore' : 'apply';
}

/** The data after the operations; parts that none of them touches stay the same objects. */
export function apply(data: TopicData, ops: readonly Operation[]): TopicData {
  switch (data.kind) {
    case 'list':
      return applyToList(data, ops);
    case 'workflow':
      return applyToWorkflow(data, ops);
    case 'overview':
      return applyToOverview(data, ops);
    case 'cluster':
      return applyToCluster(data, ops);
  }
}

function applyToList(data: ListData, ops: readonly Operation[]): ListData {
  let { counts, missed } = data;
  const rows = new Map(data.rows.map((row) => [row.id, row]));
  for (const op of ops) {
    if (op.op === 'counts') counts = op.counts;
    if (op.op === 'missed') missed = op.missed;
    // Rows come from the list and from the feed, which may be out of step: the newer one wins.
    if (op.op === 'row' && (rows.get(op.row.id)?.seq ?? -1) <= op.row.seq) {
      rows.set(op.row.id, op.row);
    }
  }
  const newest = newestFirst([...rows.values()]).slice(0, rowLimit);
  return { kind: 'list', counts, missed, rows: newest };
}

function applyToWorkflow(data: WorkflowData, ops: readonly Operation[]): WorkflowData {
  let { workflow, logs } = data;
  const changed = new Map<string, TaskCard>();
  for (const op of ops) {
    if (op.op === 'workflow') workflow = op.workflow;
    if (op.op === 'task') changed.set(op.task.id, op.task);
    if (op.op === 'logs') logs = addLines(logs, op.lines);
  }
  const tasks =
    changed.size === 0 ? data.tasks : data.tasks.map((task) => changed.get(task.id) ?? task);
  return { ...data, workflow, tasks, logs };
}

function applyToOverview(data: OverviewData, ops: readonly Operation[]): OverviewData {
  let { counts, oldest, nodes } = data;
  const recent = new Map(data.recent.map((row) => [row.id, row]));
  const failures = new Map(data.failures.map((row) => [row.id, row]));
  const minutes = new Map(data.minutes.map((minute) => [minute.at, minute]));
  for (const op of ops) {
    if (op.op === 'counts') counts = op.counts;
    if (op.op === 'oldest') oldest = op.row;
    if (op.op === 'nodes') nodes = op.nodes;
    if (op.op === 'minute') minutes.set(op.minute.at, op.minute);
    if (op.op === 'row') {
      const { row } = op;
      const known = Math.max(recent.get(row.id)?.seq ?? -1, failures.get(row.id)?.seq ?? -1);
      if (known > row.seq) continue;
      recent.set(row.id, row);
      if (row.state === 'failed') failures.set(row.id, row);
      else failures.delete(row.id);
    }
    if (op.op === 'failures') {
      for (const id of failures.keys()) if (!op.ids.includes(id)) failures.delete(id);
    }
  }
  return {
    kind: 'overview',
    counts,
    oldest,
    nodes,
    minutes: [...minutes.values()]
      .toSorted((a, b) => compare(a.at, b.at))
      .slice(-overviewLimits.minutes),
    recent: newestFirst([...recent.values()]).slice(0, overviewLimits.recent),
    failures: newestFirst([...failures.values()]).slice(0, overviewLimits.failures),
  };
}

function applyToCluster(data: ClusterData, ops: readonly Operation[]): ClusterData {
  let { owners } = data;
  const nodes = new Map(data.nodes.map((node) => [node.name, node]));
  for (const op of ops) {
    if (op.op === 'node') nodes.set(op.node.name, op.node);
    if (op.op === 'gone') nodes.delete(op.name);
    if (op.op === 'owners') owners = op.owners;
  }
  const sorted = [...nodes.values()].toSorted((a, b) => compare(a.name, b.name));
  return { ...data, owners, nodes: sorted };
}

export function newestFirst(rows: readonly WorkflowRow[]): readonly WorkflowRow[] {
  return rows.toSorted((a, b) => compare(b.created_at, a.created_at) || compare(b.id, a.id));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

// Lines have no numbers and may come twice, from the store and from the feed, in any order: equal lines are one line.
function addLines(have: readonly LogLine[], more: readonly LogLine[]): readonly LogLine[] {
  const known = new Set(have.map(lineKey));
  const first = have.length < logLimit ? -Infinity : (have[0]?.at ?? -Infinity);
  const added = more.filter((line) => line.at >= first && !known.has(lineKey(line)));
  if (added.length === 0) return have;
  return [...have, ...added].toSorted((a, b) => a.at - b.at).slice(-logLimit);
}

function lineKey(line: LogLine): string {
  return `${line.at}/${line.step}/${line.attempt}/${line.level}/${line.message}`;
}

/** Fewer operations with the same outcome: of those about one thing the last stays (L4). */
export function merge(ops: readonly Operation[]): readonly Operation[] {
  const latest = new Map<string, Operation>();
  let lines: readonly LogLine[] = [];
  for (const op of ops) {
    if (op.op === 'logs') lines = addLines(lines, op.lines);
    else latest.set(subject(op), op);
  }
  return lines.length === 0 ? [...latest.values()] : [...latest.values(), { op: 'logs', lines }];
}

function subject(op: Exclude<Operation, { op: 'logs' }>): string {
  switch (op.op) {
    case 'row':
      return `row ${op.row.id}`;
    case 'task':
      return `task ${op.task.id}`;
    case 'minute':
      return `minute ${op.minute.at}`;
    case 'node':
      return `node ${op.node.name}`;
    case 'gone':
      return `node ${op.name}`;
    case 'counts':
    case 'missed':
    case 'owners':
    case 'failures':
    case 'oldest':
    case 'nodes':
    case 'workflow':
      return op.op;
  }
}
