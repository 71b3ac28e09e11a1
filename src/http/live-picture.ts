import type {
  ClusterData,
  Cursor,
  Delta,
  ListData,
  LogLine,
  Operation,
  OverviewData,
  TaskCard,
  TopicData,
  WorkflowData,
  WorkflowRow,
} from './live-protocol.ts';
import { logLimit, overviewLimits, rowLimit } from './live-protocol.ts';

/*
 * How a watcher's picture of a topic follows what it is told. The door keeps the same picture by the same rules, so both run
 * this file; the rules have their numbers in live-protocol.ts.
 */

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
