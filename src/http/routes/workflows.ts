import { randomUUID } from 'node:crypto';

import { type Request, type Response, Router } from 'express';

import { taskId } from '#actors/ids.ts';
import type { ClusterApi, WorkflowRow, WorkflowSnapshot } from '#cluster/api.ts';

import { ProblemError } from '../problems.ts';
import {
  cancelBody,
  idempotencyKey,
  listQuery,
  logsQuery,
  noQuery,
  resultQuery,
  startBody,
} from '../schemas.ts';
import { parse } from '../validate.ts';
import { about, only, textParam } from './route.ts';

/** `leaving` is aborted when the node leaves: whoever waits for a result then gets the answer of this moment. */
export function workflowRoutes(cluster: ClusterApi, leaving: AbortSignal): Router {
  const router = Router();

  router
    .route('/workflows')
    .get(async (request, response) => {
      const { limit, offset, state, name } = parse(listQuery, request.query, 'query');
      const rows = await cluster.list({
        limit,
        offset,
        ...(state === undefined ? {} : { state }),
        ...(name === undefined ? {} : { name }),
      });
      response.json({ workflows: rows.map(listed) });
    })
    .post(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const body = parse(startBody, request.body);
      const key = request.get('Idempotency-Key');
      const started = await cluster.start({
        name: body.name,
        input: body.input,
        ...(body.id === undefined ? {} : { id: body.id }),
        ...(body.version === undefined ? {} : { version: body.version }),
        ...(body.timeout === undefined ? {} : { timeoutMs: body.timeout }),
        onConflict: body.on_conflict === 'use_existing' ? 'useExisting' : 'fail',
        requestId: key === undefined ? randomUUID() : parse(idempotencyKey, key, 'header'),
      });
      response
        .status(started.existing ? 200 : 201)
        .location(`/api/v1/workflows/${encodeURIComponent(started.id)}`)
        .json({ workflow_id: started.id, id: started.id, existing: started.existing });
    })
    .all(only('GET', 'POST'));

  router
    .route('/workflows/:id')
    .get(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const snapshot = await find(cluster, request, response);
      response.set('ETag', `"${snapshot.seq}"`).json(snapshot.workflow);
    })
    .all(only('GET'));

  router
    .route('/workflows/:id/tasks')
    .get(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const snapshot = await find(cluster, request, response);
      response.set('ETag', `"${snapshot.seq}"`).json({ tasks: snapshot.tasks });
    })
    .all(only('GET'));

  router
    .route('/workflows/:id/result')
    .get(async (request, response) => {
      const { wait } = parse(resultQuery, request.query, 'query');
      const id = workflowParam(request, response);
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const signal = AbortSignal.any([gone.signal, leaving]);
      const snapshot = await waitForResult(cluster, id, wait, signal);
      if (!gone.signal.aborted) sendResult(response, snapshot);
    })
    .all(only('GET'));

  router
    .route('/workflows/:id/logs')
    .get(async (request, response) => {
      const { step, limit } = parse(logsQuery, request.query, 'query');
      const id = workflowParam(request, response);
      // Asking for the workflow first tells an unknown one from one without lines.
      const { graph } = await cluster.workflow(id);
      const lines = await cluster.logs(id, step === undefined ? { limit } : { step, limit });
      response.json({
        logs: lines.map((line) => ({
          at: new Date(line.at).toISOString(),
          level: line.level,
          message: line.message,
          task_id: taskId(id, line.step),
          step: graph.steps[line.step]?.name ?? null,
          attempt: line.attempt,
        })),
      });
    })
    .all(only('GET'));

  router
    .route('/workflows/:id/cancel')
    .post(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const { reason } = parse(cancelBody, request.body ?? {});
      await cluster.cancel(workflowParam(request, response), reason);
      response.json({ message: 'Workflow canceled successfully' });
    })
    .all(only('POST'));

  router
    .route('/workflows/:id/retry')
    .post(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const id = workflowParam(request, response);
      await cluster.retry(id);
      response.status(202).json({ message: 'Workflow retried from its failed steps', id });
    })
    .all(only('POST'));

  return router;
}

async function find(
  cluster: ClusterApi,
  request: Request,
  response: Response,
): Promise<WorkflowSnapshot> {
  return await cluster.workflow(workflowParam(request, response));
}

function workflowParam(request: Request, response: Response): string {
  const id = textParam(request, 'id');
  about(response, { kind: 'workflow', id });
  return id;
}

/** A row with the seed's fields: there the ids of tasks are in the workflow, here they follow from their number. */
function listed(row: WorkflowRow): Record<string, unknown> {
  const count = Object.values(row.task_states).reduce((sum, some) => sum + some, 0);
  return {
    ...row,
    tasks: Array.from({ length: count }, (_, step) => taskId(row.id, step)),
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

function sendResult(response: Response, snapshot: WorkflowSnapshot | null): void {
  const workflow = snapshot?.workflow;
  switch (workflow?.state) {
    case 'completed':
      response.json({ id: workflow.id, state: workflow.state, output: workflow.output ?? {} });
      return;
    case 'failed':
    case 'canceled':
      throw new ProblemError({
        status: 409,
        title: workflow.state === 'failed' ? 'The workflow failed' : 'The workflow was canceled',
        code: workflow.state === 'failed' ? 'WORKFLOW_FAILED' : 'WORKFLOW_CANCELED',
        detail: workflow.error ?? `the workflow is ${workflow.state}`,
        more: { state: workflow.state, failure: workflow.failure ?? null },
      });
    case 'pending':
    case 'running':
    case undefined:
      response
        .status(202)
        .set('Retry-After', '1')
        .json(
          workflow === undefined
            ? { state: 'running' }
            : { id: workflow.id, state: workflow.state },
        );
  }
}
