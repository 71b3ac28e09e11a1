import { expect } from 'chai';
import { z } from 'zod';

import type { Definition } from '#actors/definition.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import { actor, NonRetryableError, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster, type TestClusterOptions } from './cluster.ts';
import { type Answer, openDoors, request, type TestDoors } from './doors.ts';
import { type Gate, gate } from './held.ts';

export const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

type Headers = Readonly<Record<string, string>>;

/** A cluster with doors, and calls to the first of them. */
export interface Rest extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly doors: TestDoors;
  /** What the workflows called `held` wait for. */
  readonly held: Gate;
  /** Below /api/v1. */
  readonly get: (path: string, headers?: Headers) => Promise<Answer>;
  readonly post: (path: string, body?: unknown, headers?: Headers) => Promise<Answer>;
  /** Starts a workflow and waits for its end. */
  readonly finished: (name: string, id: string, input?: JsonObject) => Promise<void>;
}

export async function openRest(options: TestClusterOptions = {}): Promise<Rest> {
  const held = gate();
  const cluster = await startCluster({ definitions: restDefinitions(held), ...options });
  const doors = await openDoors(cluster.apis);
  const rest: Omit<Rest, typeof Symbol.asyncDispose> = {
    cluster,
    doors,
    held,
    get: async (path, headers = {}) =>
      await request(doors.url, 'GET', `/api/v1${path}`, { headers }),
    post: async (path, body, headers = {}) =>
      await request(doors.url, 'POST', `/api/v1${path}`, { body, headers }),
    finished: async (name, id, input = {}) => {
      await rest.post('/workflows', { name, id, input });
      await rest.get(`/workflows/${id}/result?wait=20s`);
    },
  };
  return {
    ...rest,
    [Symbol.asyncDispose]: async () => {
      held.open();
      await doors[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

export function restDefinitions(held: Gate): readonly Definition[] {
  return [
    workflow('order')
      .task('validate', { run: () => ({ valid: true }) })
      .task('charge', {
        needs: ['validate'],
        run: (_input, context) => {
          context.log.info('charging');
          return { charged: 42 };
        },
      })
      .build(),
    workflow('checked', { input: z.object({ order: z.number() }) })
      .task('only', { run: () => ({}) })
      .build(),
    workflow('held')
      .task('wait', {
        run: async () => {
          await held.pass();
          return {};
        },
      })
      .build(),
    workflow('approval')
      .signal('approve', { payload: z.object({ approved: z.boolean() }) })
      .signal('note', { needs: ['approve'] })
      .build(),
    workflow('broken')
      .task('print', {
        run: () => {
          throw new NonRetryableError('no paper');
        },
      })
      .build(),
    actor('counter', {
      state: () => 0,
      on: {
        add: (state: number, by: number) => ({ state: state + by, reply: state + by }),
      },
    }),
  ];
}

export function expectProblem({ status, headers, body }: Answer): void {
  expect(headers.get('Content-Type')).to.match(/^application\/problem\+json/);
  expect(body).to.include.keys('type', 'title', 'status', 'detail', 'instance', 'request_id');
  expect(body['status']).to.equal(status);
  // What clients of the seed read.
  const { error, code, message }: JsonObject = body;
  expect(error).to.be.a('string').and.to.equal(message);
  expect(code).to.match(/^[A-Z_]+$/);
}

export function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} is no text`);
  return value;
}

export function objects(value: Json | undefined): readonly JsonObject[] {
  if (!Array.isArray(value)) throw new Error(`${JSON.stringify(value)} is no list`);
  const all: readonly JsonObject[] = value;
  return all;
}
