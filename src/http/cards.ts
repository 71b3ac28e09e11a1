import type { Graph } from '#actors/definition.ts';
import type { Json } from '#actors/json.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type { NodeView, WorkflowRow as Row, WorkflowSnapshot } from '#cluster/api.ts';

import type {
  LogLine,
  NodeCard,
  NodeDot,
  Payload,
  StepCard,
  TaskCard,
  WorkflowCard,
  WorkflowData,
  WorkflowRow,
} from './live-protocol.ts';

/*
 * Views of the cluster cut down to what a page shows at a glance, so that no frame is large because a payload is. The whole
 * value is a REST call away.
 */
const payloadLimit = 2048;
const errorLimit = 1024;
/** Payload text in one snapshot, all tasks together; what is over it shows its size alone. */
const snapshotPayloadLimit = 128 * 1024;

export function workflowData(snapshot: WorkflowSnapshot, logs: readonly LogLine[]): WorkflowData {
  let budget = snapshotPayloadLimit;
  const spend = (payload: Payload): Payload => {
    budget -= payload.text.length;
    return budget >= 0 ? payload : { ...payload, text: '', whole: false };
  };
  return {
    kind: 'workflow',
    workflow: workflowCard(snapshot.workflow),
    input: payloadOf(snapshot.workflow.input),
    steps: stepCards(snapshot.graph),
    tasks: snapshot.tasks.map((task) => {
      const card = taskCard(task);
      return {
        ...card,
        input: spend(card.input),
        ...(card.output === undefined ? {} : { output: spend(card.output) }),
      };
    }),
    logs,
  };
}

export function workflowCard(view: WorkflowView): WorkflowCard {
  return {
    id: view.id,
    name: view.name,
    version: view.version,
    tags: view.tags,
    ...(view.why === undefined ? {} : { why: view.why }),
    state: view.state,
    ...(view.error === undefined ? {} : { error: clip(view.error, errorLimit) }),
    ...(view.failure?.step === undefined ? {} : { failed_step: view.failure.step }),
    created_at: view.created_at,
    ...(view.started_at === undefined ? {} : { started_at: view.started_at }),
    ...(view.ended_at === undefined ? {} : { ended_at: view.ended_at }),
    ...(view.timeout_at === undefined ? {} : { timeout_at: view.timeout_at }),
    ...(view.output === undefined ? {} : { output: payloadOf(view.output) }),
  };
}

export function taskCard(view: TaskView): TaskCard {
  return {
    id: view.id,
    step: view.step,
    type: view.type,
    state: view.state,
    attempt: view.attempt,
    retry_count: view.retry_count,
    max_retries: view.max_retries,
    created_at: view.created_at,
    ...(view.started_at === undefined ? {} : { started_at: view.started_at }),
    ...(view.completed_at === undefined ? {} : { completed_at: view.completed_at }),
    ...(view.next_attempt_at === undefined ? {} : { next_attempt_at: view.next_attempt_at }),
    ...(view.worker_id === undefined ? {} : { worker_id: view.worker_id }),
    ...(view.error === undefined ? {} : { error: clip(view.error, errorLimit) }),
    ...(view.failure === undefined ? {} : { error_name: clip(view.failure.name, 100) }),
    ...(view.reason === undefined ? {} : { reason: clip(view.reason, errorLimit) }),
    ...(view.progress === undefined ? {} : { progress: view.progress }),
    input: payloadOf(view.input),
    ...(view.output === undefined ? {} : { output: payloadOf(view.output) }),
  };
}

export function rowCard(row: Row): WorkflowRow {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    tags: row.tags,
    state: row.state,
    seq: row.seq,
    ...(row.error === undefined ? {} : { error: clip(row.error, 300) }),
    created_at: row.created_at,
    ...(row.started_at === undefined ? {} : { started_at: row.started_at }),
    ...(row.ended_at === undefined ? {} : { ended_at: row.ended_at }),
    task_states: row.task_states,
  };
}

// Rounded so, a node that does the same as a second ago looks the same.
const utilizationStep = 0.02;
const memoryStep = 4 * 1024 * 1024;
const beatsWithinMs = 1_500;

/** By name; of a node that was started again only the newest is shown, as long as the traces of the old one are there. */
export function nodeCards(nodes: readonly NodeView[]): readonly NodeCard[] {
  return newestOfName(nodes).map(({ load, heartbeat_age_ms: age, ...node }) => ({
    name: node.name,
    state: node.state === 'up' && node.draining ? 'draining' : node.state,
    version: node.version,
    url: node.url,
    shards: node.shards,
    offers: node.offers,
    started_at: node.started_at,
    silent_ms: age < beatsWithinMs ? 0 : Math.floor(age / 1_000) * 1_000,
    running: load.running,
    actors: load.actors,
    threads: load.threads,
    utilization: Math.round(load.utilization / utilizationStep) * utilizationStep,
    rss_bytes: Math.round(load.rss_bytes / memoryStep) * memoryStep,
  }));
}

export function nodeDots(nodes: readonly NodeView[]): readonly NodeDot[] {
  return newestOfName(nodes).map(({ name, state }) => ({ name, state }));
}

function newestOfName(nodes: readonly NodeView[]): readonly NodeView[] {
  const newest = new Map<string, NodeView>();
  for (const node of nodes) {
    const other = newest.get(node.name);
    if (other === undefined || other.started_at < node.started_at) newest.set(node.name, node);
  }
  return [...newest.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function stepCards(graph: Graph): readonly StepCard[] {
  return graph.steps.map(({ name, task, needs, onError, conditional, signal }) => ({
    name,
    task,
    needs,
    onError,
    conditional,
    ...(signal === undefined ? {} : { signal: {} }),
  }));
}

export function lineCard(line: LogLine): LogLine {
  return { ...line, message: clip(line.message, payloadLimit) };
}

function payloadOf(value: Json): Payload {
  const text = JSON.stringify(value);
  const whole = text.length <= payloadLimit;
  return { text: whole ? text : text.slice(0, payloadLimit), length: text.length, whole };
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
