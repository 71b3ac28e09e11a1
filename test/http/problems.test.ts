import { expect } from 'chai';

import { createDoor } from '#http/server.ts';

import { type Answer, rawStatus, request } from '../support/doors.ts';
import { rejection } from '../support/rejection.ts';
import { expectProblem, openRest, type Rest } from '../support/rest.ts';

interface Refusal {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  readonly pointer?: string;
}

const starting = { method: 'POST', path: '/api/v1/workflows' };

const refusals: readonly Refusal[] = [
  {
    what: 'an unknown query parameter, with the one that was meant',
    path: '/api/v1/workflows?limti=5',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?limti',
    message: '?limti: unknown query parameter "limti". Did you mean "limit"?',
  },
  {
    what: 'a query parameter where there are none',
    path: '/api/v1/stats?since=1',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?since',
  },
  ...['-1', '0', '201', 'x', '1e2', ''].map((limit) => ({
    what: `a limit of "${limit}"`,
    path: `/api/v1/workflows?limit=${limit}`,
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?limit',
  })),
  {
    what: 'a query parameter that is given twice',
    path: '/api/v1/workflows?limit=1&limit=2',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?limit',
    message: '?limit: is given more than once',
  },
  {
    what: 'an offset that is too deep',
    path: '/api/v1/workflows?offset=10001',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?offset',
  },
  {
    what: 'a state that does not exist',
    path: '/api/v1/workflows?state=done',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?state',
  },
  ...[
    ['created_after=yesterday', '?created_after'],
    ['created_before=2026-02-30T00:00:00Z', '?created_before'],
    ['created_after=2026-01-31T12:00:00', '?created_after'],
    ['count=roughly', '?count'],
    ['cursor=made-up', '?cursor'],
    ['cursor=', '?cursor'],
    ['id_prefix=', '?id_prefix'],
    ['tag=eu', '?tag'],
    ['tag.a%20b=eu', '?tag.a b'],
    ['tag.a=1&tag.a=2', '?tag.a'],
    ['limit.a=1', '?limit'],
  ].map(([query, pointer = '']) => ({
    what: `a list of ?${query}`,
    path: `/api/v1/workflows?${query}`,
    status: 400,
    code: 'INVALID_INPUT',
    pointer,
  })),
  ...[
    ['/tasks?state=done', '?state'],
    ['/tasks?cursor=made-up', '?cursor'],
    ['/tasks?offset=1', '?offset'],
    ['/workflows/some/events?after=-1', '?after'],
    ['/workflows/some/events?limit=1001', '?limit'],
    ['/stats/throughput?minutes=0', '?minutes'],
    ['/stats/throughput?minutes=10081', '?minutes'],
  ].map(([path = '', pointer = '']) => ({
    what: path,
    path: `/api/v1${path}`,
    status: 400,
    code: 'INVALID_INPUT',
    pointer,
  })),
  {
    what: 'a wait of more than a minute',
    path: '/api/v1/workflows/some/result?wait=61s',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '?wait',
  },
  {
    what: 'an unknown field, with the one that was meant',
    ...starting,
    body: { name: 'order', inptu: {}, id: 'refused' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/inptu',
    message: '/inptu: unknown field "inptu". Did you mean "input"?',
  },
  {
    what: 'a start without a name',
    ...starting,
    body: { id: 'refused' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/name',
    message: '/name: is required',
  },
  ...[[], null, 'text', 7].map((input) => ({
    what: `an input that is ${JSON.stringify(input)}`,
    ...starting,
    body: { name: 'order', id: 'refused', input },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/input',
  })),
  {
    what: 'a number that JSON can say and nobody can hold',
    ...starting,
    body: '{"name":"order","id":"refused","input":{"a":[{"b":1e999}]}}',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/input/a/0/b',
  },
  {
    what: 'an input that nests without end',
    ...starting,
    body: `{"name":"order","id":"refused","input":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/input',
  },
  {
    what: 'an input that the schema of the definition does not take',
    ...starting,
    body: { name: 'checked', id: 'refused', input: { order: 'seven' } },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/input/order',
  },
  {
    what: 'an id with characters that ids do not have',
    ...starting,
    body: { name: 'order', id: '<b>' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/id',
  },
  {
    what: 'a timeout that is no duration',
    ...starting,
    body: { name: 'order', id: 'refused', timeout: 'soon' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/timeout',
  },
  {
    what: 'a body that is not JSON',
    ...starting,
    body: '{"name":',
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '',
  },
  { what: 'a start without a body', ...starting, status: 400, code: 'INVALID_INPUT', pointer: '' },
  {
    what: 'a definition that nobody has',
    ...starting,
    body: { name: 'nope', id: 'refused' },
    status: 404,
    code: 'UNKNOWN_DEFINITION',
  },
  {
    what: 'an unknown definition',
    path: '/api/v1/definitions/nope',
    status: 404,
    code: 'UNKNOWN_DEFINITION',
  },
  ...['', '/tasks', '/result', '/logs', '/graph', '/events'].map((part) => ({
    what: `an unknown workflow${part}`,
    path: `/api/v1/workflows/nope${part}`,
    status: 404,
    code: 'WORKFLOW_NOT_FOUND',
    message: 'workflow not found: nope',
  })),
  {
    what: 'a workflow id that cannot be',
    path: '/api/v1/workflows/%3Cscript%3E',
    status: 404,
    code: 'WORKFLOW_NOT_FOUND',
  },
  {
    what: 'the cancel of an unknown workflow',
    method: 'POST',
    path: '/api/v1/workflows/nope/cancel',
    status: 404,
    code: 'WORKFLOW_NOT_FOUND',
    message: 'workflow not found: nope',
  },
  ...['nope', 'nope.0', 'ended.99'].map((id) => ({
    what: `the unknown task ${id}`,
    path: `/api/v1/tasks/${id}`,
    status: 404,
    code: 'TASK_NOT_FOUND',
    message: `task not found: ${id}`,
  })),
  {
    what: 'the cancel of a workflow that has completed',
    method: 'POST',
    path: '/api/v1/workflows/ended/cancel',
    status: 409,
    code: 'ALREADY_CLOSED',
    message: 'cannot cancel workflow in state: completed',
  },
  {
    what: 'the tasks of an unknown workflow',
    path: '/api/v1/tasks?workflow_id=nope',
    status: 404,
    code: 'WORKFLOW_NOT_FOUND',
    message: 'workflow not found: nope',
  },
  {
    what: 'an unknown node',
    path: '/api/v1/cluster/nodes/nope',
    status: 404,
    code: 'NODE_NOT_FOUND',
    message: 'node not found: nope',
  },
  ...['drain', 'undrain'].map((verb) => ({
    what: `the ${verb} of an unknown node`,
    method: 'POST',
    path: `/api/v1/cluster/nodes/nope/${verb}`,
    status: 404,
    code: 'NODE_NOT_FOUND',
  })),
  {
    what: 'the kill of nobody',
    method: 'POST',
    path: '/api/v1/dev/kill',
    body: {},
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/node',
  },
  {
    what: 'the retry of an unknown workflow',
    method: 'POST',
    path: '/api/v1/workflows/nope/retry',
    status: 404,
    code: 'WORKFLOW_NOT_FOUND',
  },
  {
    what: 'the retry of a workflow that has not failed',
    method: 'POST',
    path: '/api/v1/workflows/ended/retry',
    status: 409,
    code: 'NOT_FAILED',
  },
  {
    what: 'a signal to an unknown workflow',
    method: 'POST',
    path: '/api/v1/workflows/nope/signals/approve',
    status: 404,
    code: 'WORKFLOW_NOT_FOUND',
  },
  {
    what: 'a signal that no step waits for',
    method: 'POST',
    path: '/api/v1/workflows/ended/signals/approve',
    status: 404,
    code: 'UNKNOWN_SIGNAL',
    message:
      'ended has no step that waits for the signal "approve". It has none that waits for one.',
  },
  {
    what: 'a signal with something else than a payload',
    method: 'POST',
    path: '/api/v1/workflows/ended/signals/approve',
    body: { approved: true },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/approved',
  },
  {
    what: 'a body where none is looked at',
    method: 'POST',
    path: '/api/v1/workflows/ended/retry',
    body: { from: 'only' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '/from',
  },
  {
    what: 'an idempotency key that is none',
    ...starting,
    body: { name: 'order', id: 'refused' },
    headers: { 'Idempotency-Key': 'two words' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: 'Idempotency-Key:',
  },
  {
    what: 'another start under an idempotency key',
    ...starting,
    body: { name: 'order', id: 'ended', input: { other: true } },
    headers: { 'Idempotency-Key': 'key-of-ended' },
    status: 422,
    code: 'IDEMPOTENCY_MISMATCH',
  },
  {
    what: 'a body of another type',
    ...starting,
    body: 'name=order',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    what: 'a body that is not compressed as it says',
    ...starting,
    body: '{"name":"order"}',
    headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '',
    message: 'the body is not what its Content-Encoding says: incorrect header check',
  },
  {
    what: 'no body where one is needed, in a sentence that names it',
    ...starting,
    status: 400,
    code: 'INVALID_INPUT',
    pointer: '',
    message: 'the body is required: send JSON, with "Content-Type: application/json"',
  },
  {
    what: 'an idempotency key of other characters',
    ...starting,
    body: { name: 'order', id: 'refused' },
    headers: { 'Idempotency-Key': 'a b' },
    status: 400,
    code: 'INVALID_INPUT',
    pointer: 'Idempotency-Key:',
    message: 'Idempotency-Key: must be 1 to 200 visible ASCII characters',
  },
  {
    what: 'a body that is too large',
    ...starting,
    body: { name: 'order', id: 'refused', input: { text: 'x'.repeat(3 * 1024 * 1024) } },
    status: 413,
    code: 'TOO_LARGE',
  },
  {
    what: 'an input that is too large for a workflow though not for a body',
    ...starting,
    body: { name: 'order', id: 'refused', input: { text: 'x'.repeat(2 * 1024 * 1024 + 10) } },
    status: 413,
    code: 'TOO_LARGE',
  },
  { what: 'an unknown route', path: '/api/v1/nothing', status: 404, code: 'ROUTE_NOT_FOUND' },
  { what: 'an unknown path', path: '/nothing.txt', status: 404, code: 'ROUTE_NOT_FOUND' },
  {
    what: 'a path that is not properly encoded',
    path: '/api/v1/workflows/%E0%A4%A',
    status: 400,
    code: 'INVALID_INPUT',
  },
  {
    what: 'an actor message that the actor does not have',
    method: 'POST',
    path: '/api/v1/actors/counter/c1/ask',
    body: { message: 'nope' },
    status: 422,
    code: 'ACTOR_FAILED',
  },
  {
    what: 'an actor key that cannot be',
    method: 'POST',
    path: '/api/v1/actors/counter/a%2Fb/tell',
    body: { message: 'add' },
    status: 400,
    code: 'INVALID_INPUT',
  },
];

describe('what the door refuses', () => {
  let rest: Rest;
  let url: string;

  before(async () => {
    rest = await openRest();
    ({ url } = rest.doors);
    const key = { 'Idempotency-Key': 'key-of-ended' };
    await rest.post('/workflows', { name: 'order', id: 'ended' }, key);
    await rest.get('/workflows/ended/result?wait=20s');
  });

  after(async () => {
    await rest[Symbol.asyncDispose]();
  });

  for (const refusal of refusals) {
    const { what, method = 'GET', path, body, headers = {}, status, code } = refusal;
    it(`is ${what}: ${status} ${code}`, async () => {
      const answer = await request(url, method, path, { body, headers });
      expect(answer.body).to.include({ status, code });
      expect(answer.status).to.equal(status);
      expectProblem(answer);
      if (refusal.message !== undefined) expect(answer.body['error']).to.equal(refusal.message);
      if (refusal.pointer !== undefined) {
        expect(JSON.stringify(answer.body['errors'])).to.contain(`"pointer":"${refusal.pointer}"`);
      }
    });
  }

  it('leaves nothing half-done', async () => {
    const { status } = await request(url, 'GET', '/api/v1/workflows/refused');
    expect(status).to.equal(404);
    // Counts may lag the owner by up to a second: the one that was started for these tests is counted by and by.
    let total: unknown = 0;
    while (total === 0) {
      const stats = await request(url, 'GET', '/api/v1/stats');
      total = stats.body['total_workflows'];
    }
    expect(total).to.equal(1);
  });

  for (const [method, path, allow] of [
    ['DELETE', '/api/v1/workflows', 'GET, POST, HEAD, OPTIONS'],
    ['PUT', '/api/v1/workflows/ended', 'GET, HEAD, OPTIONS'],
    ['GET', '/api/v1/workflows/ended/cancel', 'POST, OPTIONS'],
    ['DELETE', '/api/v1/tasks', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/api/v1/workflows/ended/retry', 'POST, OPTIONS'],
    ['POST', '/api/v1/cluster/nodes/a', 'GET, HEAD, OPTIONS'],
    ['POST', '/api/v1/stats', 'GET, HEAD, OPTIONS'],
    ['POST', '/livez', 'GET, HEAD, OPTIONS'],
  ] as const) {
    it(`is ${method} ${path}: 405, naming what there is`, async () => {
      const answer = await request(url, method, path);
      expect(answer.status).to.equal(405);
      expect(answer.headers.get('Allow')).to.equal(allow);
      expectProblem(answer);
    });
  }

  it('is a name that is not of this machine: 421, so that a rebound name gets nothing', async () => {
    const port = new URL(url).port;
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '10.0.0.7',
      'localhost.evil.example',
    ]) {
      expect(await rawStatus(url, '/api/v1/stats', { Host: host }), host).to.equal(421);
    }
    for (const host of ['localhost', `127.0.0.1:${port}`, 'app.localhost:80', '[::1]:8088']) {
      expect(await rawStatus(url, '/api/v1/stats', { Host: host }), host).to.equal(200);
    }
  });

  it('is a change asked for by a page of another origin: 403', async () => {
    const cancel = async (origin: string): Promise<Answer> =>
      await request(url, 'POST', '/api/v1/workflows', {
        body: { name: 'order', id: 'refused' },
        headers: { Origin: origin },
      });
    for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null']) {
      expect((await cancel(origin)).body['code'], origin).to.equal('FOREIGN_ORIGIN');
    }
    expect((await cancel(url)).status).to.equal(201);
  });

  it('is an address that others can reach', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.com', '']) {
      const options = { cluster: rest.cluster.api, host, port: 0, log: console };
      expect(await rejection(createDoor(options)), host).to.have.property('code', 'NOT_LOOPBACK');
    }
  });

  it('is a port that is taken', async () => {
    const port = Number(new URL(url).port);
    const options = { cluster: rest.cluster.api, host: '127.0.0.1', port, dev: true, log: console };
    expect(await rejection(createDoor(options))).to.have.property('code', 'EADDRINUSE');
  });

  it('sends headers that keep pages to themselves', async () => {
    const { headers } = await request(url, 'GET', '/livez');
    const policy = headers.get('Content-Security-Policy');
    expect(policy).to.contain("default-src 'self'").and.not.contain('upgrade-insecure-requests');
    expect(policy).to.not.contain('unsafe');
    expect(headers.get('X-Content-Type-Options')).to.equal('nosniff');
  });
});
