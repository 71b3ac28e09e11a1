import assert from 'node:assert';
import { randomUUID } from 'node:crypto';

import type { z } from 'zod';

import { hash32, taskId } from '#actors/ids.ts';
import type { Why } from '#actors/why.ts';
import type { ClusterApi, WorkflowFilter, WorkflowRow, WorkflowSnapshot } from '#cluster/api.ts';

import { maybeNextLink, nextLink } from '../next-link.ts';
import { ProblemError, type Resource } from '../problems.ts';
import { eventPage, eventsQuery } from '../schemas/events.ts';
import { graph } from '../schemas/graph.ts';
import { workflowPath } from '../schemas/parts.ts';
import { taskList } from '../schemas/tasks.ts';
import {
  cancelBody,
  listQuery,
  logs,
  logsQuery,
  message,
  result,
  resultQuery,
  retried,
  signalBody,
  signaled,
  signalHeaders,
  signalPath,
  startBody,
  started,
  startHeaders,
  unfinished,
  workflow,
  workflowList,
} from '../schemas/workflows.ts';
import { route } from './route.ts';

const version = { ETag: 'Changes with every change of what is shown.' };

const list = route({
  method: 'get',
  path: '/api/v1/workflows',
  id: 'listWorkflows',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Lists workflows, newest first',
  description:
    'All that is given has to fit. May lag a change by up to a second. Who follows `next_cursor` sees each workflow once, ' +
    'whatever is started meanwhile.',
  takes: { query: listQuery },
  gives: { 200: { what: 'A page of workflows.', body: workflowList, maybe: maybeNextLink } },
  handle: async ({ query }, { cluster, url }) => {
    const { limit, offset, cursor, count, ...wanted } = query;
    const filter = filterOf(wanted);
    const page = { limit, offset, ...(cursor === undefined ? {} : { cursor }) };
    const [{ rows, next }, total] = await Promise.all([
      cluster.list({ ...filter, ...page }),
      count === undefined ? null : cluster.count(filter),
    ]);
    return {
      status: 200,
      body: {
        workflows: rows.map(listed),
        next_cursor: next,
        ...(total === null ? {} : { total }),
      },
      headers: nextLink(url, next),
    };
  },
});

const start = route({
  method: 'post',
  path: '/api/v1/workflows',
  id: 'startWorkflow',
  tag: 'Workflows',
  scope: 'operate',
  summary: 'Starts a workflow',
  description: 'Answers after the start is committed.',
  takes: { headers: startHeaders, body: startBody },
  gives: {
    201: { what: 'It is started.', body: started, headers: { Location: 'Its path.' } },
    200: { what: 'It had been started before.', body: started, headers: { Location: 'Its path.' } },
  },
  refuses: ['UNKNOWN_DEFINITION', 'ALREADY_EXISTS', 'IDEMPOTENCY_MISMATCH'],
  handle: async ({ headers, body }, { cluster }) => {
    const { timeout, on_conflict: onConflict, ...wanted } = body;
    const { id, existing } = await cluster.start({
      ...wanted,
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
      onConflict: onConflict === 'use_existing' ? 'useExisting' : 'fail',
      requestId: headers['Idempotency-Key'] ?? randomUUID(),
    });
    return {
      status: existing ? 200 : 201,
      body: { workflow_id: id, id, existing },
      headers: { Location: `/api/v1/workflows/${encodeURIComponent(id)}` },
    };
  },
});

const show = route({
  method: 'get',
  path: '/api/v1/workflows/{id}',
  id: 'getWorkflow',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Shows a workflow as it is now',
  takes: { path: workflowPath },
  gives: { 200: { what: 'The workflow.', body: workflow, headers: version } },
  refuses: ['WORKFLOW_NOT_FOUND'],
  about,
  handle: async ({ path }, { cluster }) => {
    const { seq, workflow: body } = await cluster.workflow(path.id);
    return { status: 200, body, headers: { ETag: tagOf(seq, body.why) } };
  },
});

const tasks = route({
  method: 'get',
  path: '/api/v1/workflows/{id}/tasks',
  id: 'getWorkflowTasks',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Shows the tasks of a workflow, in the order of its definition',
  takes: { path: workflowPath },
  gives: { 200: { what: 'Its tasks.', body: taskList, headers: version } },
  refuses: ['WORKFLOW_NOT_FOUND'],
  about,
  handle: async ({ path }, { cluster }) => {
    const snapshot = await cluster.workflow(path.id);
    return {
      status: 200,
      body: { tasks: snapshot.tasks },
      headers: { ETag: `"${snapshot.seq}"` },
    };
  },
});

const graphOf = route({
  method: 'get',
  path: '/api/v1/workflows/{id}/graph',
  id: 'getWorkflowGraph',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Shows the graph of a workflow, with how far each step is',
  takes: { path: workflowPath },
  gives: { 200: { what: 'The graph.', body: graph, headers: version } },
  refuses: ['WORKFLOW_NOT_FOUND'],
  about,
  handle: async ({ path }, { cluster }) => {
    const snapshot = await cluster.workflow(path.id);
    return { status: 200, body: overlaid(snapshot), headers: { ETag: `"${snapshot.seq}"` } };
  },
});

const history = route({
  method: 'get',
  path: '/api/v1/workflows/{id}/events',
  id: 'getWorkflowEvents',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Shows what happened to a workflow, oldest first',
  takes: { path: workflowPath, query: eventsQuery },
  gives: { 200: { what: 'A page of events.', body: eventPage } },
  refuses: ['WORKFLOW_NOT_FOUND'],
  about,
  handle: async ({ path, query }, { cluster }) => ({
    status: 200,
    body: await cluster.events(path.id, query),
  }),
});

const outcome = route({
  method: 'get',
  path: '/api/v1/workflows/{id}/result',
  id: 'getWorkflowResult',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Waits for the result of a workflow',
  takes: { path: workflowPath, query: resultQuery },
  gives: {
    200: { what: 'It completed.', body: result },
    202: {
      what: 'It has not ended yet.',
      body: unfinished,
      headers: { 'Retry-After': 'In how many seconds to ask again.' },
    },
  },
  refuses: ['WORKFLOW_NOT_FOUND', 'WORKFLOW_FAILED', 'WORKFLOW_CANCELED'],
  about,
  handle: async ({ path, query }, { cluster, leaving, gone }) => {
    const signal = AbortSignal.any([gone(), leaving]);
    const snapshot = await waitForResult(cluster, path.id, query.wait, signal);
    return resultOf(snapshot);
  },
});

const lines = route({
  method: 'get',
  path: '/api/v1/workflows/{id}/logs',
  id: 'getWorkflowLogs',
  tag: 'Workflows',
  scope: 'read',
  summary: 'Shows the newest lines that its handlers logged, oldest first',
  takes: { path: workflowPath, query: logsQuery },
  gives: { 200: { what: 'The lines.', body: logs } },
  refuses: ['WORKFLOW_NOT_FOUND'],
  about,
  handle: async ({ path: { id }, query }, { cluster }) => {
    // Asking for the workflow first tells an unknown one from one without lines.
    const snapshot = await cluster.workflow(id);
    const found = await cluster.logs(id, query);
    return {
      status: 200,
      body: {
        logs: found.map((line) => ({
          at: new Date(line.at).toISOString(),
          level: line.level,
          message: line.message,
          task_id: taskId(id, line.step),
          step: snapshot.graph.steps[line.step]?.name ?? null,
          attempt: line.attempt,
        })),
      },
    };
  },
});

const cancel = route({
  method: 'post',
  path: '/api/v1/workflows/{id}/cancel',
  id: 'cancelWorkflow',
  tag: 'Workflows',
  scope: 'operate',
  summary: 'Cancels a workflow',
  description:
    'Answers after the cancellation is committed; to cancel what is canceled changes nothing.',
  takes: { path: workflowPath, body: cancelBody },
  gives: { 200: { what: 'It is canceled.', body: message } },
  refuses: ['WORKFLOW_NOT_FOUND', 'ALREADY_CLOSED'],
  about,
  handle: async ({ path, body }, { cluster }) => {
    await cluster.cancel(path.id, body.reason);
    return { status: 200, body: { message: 'Workflow canceled successfully' } };
  },
});

const sendSignal = route({
  method: 'post',
  path: '/api/v1/workflows/{id}/signals/{signal}',
  id: 'signalWorkflow',
  tag: 'Workflows',
  scope: 'operate',
  summary: 'Sends a workflow the signal that one of its steps waits for',
  description:
    "Answers after that is committed. The payload is the step's output; a signal that comes before its step's turn is kept " +
    'until then. Each comes once: a second one is refused, unless it is the same request again.',
  takes: { path: signalPath, headers: signalHeaders, body: signalBody },
  gives: { 202: { what: 'The workflow has it.', body: signaled } },
  refuses: [
    'WORKFLOW_NOT_FOUND',
    'UNKNOWN_SIGNAL',
    'SIGNAL_NOT_AWAITED',
    'ALREADY_CLOSED',
    'IDEMPOTENCY_MISMATCH',
  ],
  about,
  handle: async ({ path, headers, body }, { cluster }) => {
    await cluster.signal({
      workflowId: path.id,
      signal: path.signal,
      ...(body.payload === undefined ? {} : { payload: body.payload }),
      requestId: headers['Idempotency-Key'] ?? randomUUID(),
    });
    return { status: 202, body: { message: `Signal ${path.signal} sent`, id: path.id } };
  },
});

const retry = route({
  method: 'post',
  path: '/api/v1/workflows/{id}/retry',
  id: 'retryWorkflow',
  tag: 'Workflows',
  scope: 'operate',
  summary: 'Opens a failed workflow again, from its failed steps',
  description: 'Answers after that is committed.',
  takes: { path: workflowPath },
  gives: { 202: { what: 'It runs again.', body: retried } },
  refuses: ['WORKFLOW_NOT_FOUND', 'NOT_FAILED'],
  about,
  handle: async ({ path: { id } }, { cluster }) => {
    await cluster.retry(id);
    return { status: 202, body: { message: 'Workflow retried from its failed steps', id } };
  },
});

export const workflowRoutes = [
  list,
  start,
  show,
  tasks,
  graphOf,
  history,
  outcome,
  lines,
  cancel,
  sendSignal,
  retry,
];

function about({ path }: { path: { id: string } }): Resource {
  return { kind: 'workflow', id: path.id };
}

/** Why it is where it is can change without an event: a node that has the code comes, or time passes. */
function tagOf(seq: number, why: Why | undefined): string {
  return why === undefined ? `"${seq}"` : `"${seq}-${hash32(JSON.stringify(why)).toString(36)}"`;
}

function filterOf(query: WantedWorkflows): WorkflowFilter {
  const { state, id_prefix: idPrefix, tag, created_after, created_before, ...same } = query;
  return {
    ...same,
    ...(state === undefined ? {} : { states: state }),
    ...(idPrefix === undefined ? {} : { idPrefix }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(created_after === undefined ? {} : { createdAfter: created_after }),
    ...(created_before === undefined ? {} : { createdBefore: created_before }),
  };
}

type WantedWorkflows = Omit<z.output<typeof listQuery>, 'limit' | 'offset' | 'cursor' | 'count'>;

function listed(row: WorkflowRow) {
  const count = Object.values(row.task_states).reduce((sum, some) => sum + some, 0);
  return {
    ...row,
    // They follow from their number.
    tasks: Array.from({ length: count }, (_, step) => taskId(row.id, step)),
  };
}

function overlaid({ graph: { name, version: of, steps }, tasks: all }: WorkflowSnapshot) {
  return {
    name,
    version: of,
    steps: all.map((task, number) => {
      const step = steps[number];
      assert(step !== undefined && step.name === task.step, 'tasks are in the order of the steps');
      return {
        name: step.name,
        task: step.task,
        needs: step.needs,
        on_error: step.onError,
        conditional: step.conditional,
        signal: step.signal !== undefined,
        task_id: task.id,
        state: task.state,
        attempt: task.attempt,
        ...(task.started_at === undefined ? {} : { started_at: task.started_at }),
        ...(task.completed_at === undefined ? {} : { completed_at: task.completed_at }),
        ...(task.error === undefined ? {} : { error: task.error }),
      };
    }),
  };
}

async function waitForResult(
  cluster: ClusterApi,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<WorkflowSnapshot | null> {
  if (waitMs === 0 || signal.aborted) return await cluster.workflow(id);
  const waiting = cluster.result(id, waitMs, signal);
  const interrupted = Promise.withResolvers<null>();
  const interrupt = (): void => interrupted.resolve(null);
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await Promise.race([waiting, interrupted.promise]);
  } finally {
    signal.removeEventListener('abort', interrupt);
    // Whoever lost the race may still reject, and nobody else listens.
    waiting.catch(() => undefined);
  }
}

function resultOf(snapshot: WorkflowSnapshot | null) {
  if (snapshot === null) return notYet({ state: 'running' });
  const { id, state, output, error, failure } = snapshot.workflow;
  switch (state) {
    case 'completed':
      return { status: 200, body: { id, state, output: output ?? {} } } as const;
    case 'failed':
    case 'canceled':
      throw new ProblemError(
        state === 'failed' ? 'WORKFLOW_FAILED' : 'WORKFLOW_CANCELED',
        error ?? `the workflow is ${state}`,
        { more: { state, failure: failure ?? null } },
      );
    case 'pending':
    case 'running':
      return notYet({ id, state });
  }
}

function notYet(body: { id?: string; state: 'pending' | 'running' }) {
  return { status: 202, body, headers: { 'Retry-After': '1' } } as const;
}
