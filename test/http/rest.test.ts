import { expect } from 'chai';

import type { JsonObject } from '#actors/json.ts';
import { allRoutes } from '#http/routes/table.ts';

import { exercised } from '../support/contract.ts';
import { request } from '../support/doors.ts';
import { objects, openRest, type Rest, rfc3339, textOf } from '../support/rest.ts';

describe('the REST API', () => {
  let rest: Rest;
  let get: Rest['get'];
  let post: Rest['post'];
  let finished: Rest['finished'];

  before(async () => {
    rest = await openRest();
    ({ get, post, finished } = rest);
  });

  after(async () => {
    await rest[Symbol.asyncDispose]();
  });

  describe('routes of the seed', () => {
    before(async () => {
      await finished('order', 'golden-1', { order: 7 });
      await finished('broken', 'golden-2');
      // The list may lag the owner by a second.
      const failed = '/workflows?state=failed&name=broken';
      while (objects((await get(failed)).body['workflows']).length === 0);
      const completed = '/workflows?state=completed&name=order';
      while (objects((await get(completed)).body['workflows']).length === 0);
    });

    it('lists workflows, newest first, with the fields of the seed', async () => {
      const { status, body } = await get('/workflows?limit=200');
      expect(status).to.equal(200);
      // What the seed does not have comes after what it has.
      expect(Object.keys(body)).to.deep.equal(['workflows', 'next_cursor']);
      const rows = objects(body['workflows']);
      const times = rows.map((row) => textOf(row['created_at']));
      expect(times).to.deep.equal(times.toSorted().toReversed());
      const row = rows.find(({ id }) => id === 'golden-1') ?? {};
      expect(row).to.include({ id: 'golden-1', name: 'order', state: 'completed' });
      expect(row['input']).to.deep.equal({ order: 7 });
      expect(row['output']).to.deep.equal({ order: 7, valid: true, charged: 42 });
      expect(row['tasks']).to.deep.equal(['golden-1.0', 'golden-1.1']);
      for (const time of ['created_at', 'started_at', 'ended_at']) {
        expect(row[time], time).to.match(rfc3339);
      }
    });

    it('lists a window of what has a state and a name', async () => {
      const page = await get('/workflows?limit=1&offset=0&state=failed&name=broken');
      expect(objects(page.body['workflows']).map(({ id }) => id)).to.deep.equal(['golden-2']);
      const next = await get('/workflows?limit=1&offset=1&state=failed&name=broken');
      expect(next.body['workflows']).to.deep.equal([]);
    });

    it('shows a workflow', async () => {
      const { status, headers, body } = await get('/workflows/golden-1');
      expect(status).to.equal(200);
      expect(headers.get('ETag')).to.match(/^"\d+"$/);
      expect(body).to.include({ id: 'golden-1', name: 'order', state: 'completed' });
      expect(body['input']).to.deep.equal({ order: 7 });
      expect(body['output']).to.deep.equal({ order: 7, valid: true, charged: 42 });
      expect(body['tasks']).to.deep.equal(['golden-1.0', 'golden-1.1']);
      for (const time of ['created_at', 'started_at', 'ended_at']) {
        expect(body[time], time).to.match(rfc3339);
      }
    });

    it('answers 304 to whoever has the newest version', async () => {
      const { headers } = await get('/workflows/golden-1');
      const again = await request(rest.doors.url, 'GET', '/api/v1/workflows/golden-1', {
        // Without the second, fetch says no-cache by itself, which asks for the whole.
        headers: { 'If-None-Match': headers.get('ETag') ?? '', 'Cache-Control': 'max-age=0' },
      });
      expect(again.status).to.equal(304);
    });

    it('shows the tasks of a workflow', async () => {
      const { status, body } = await get('/workflows/golden-1/tasks');
      expect(status).to.equal(200);
      expect(Object.keys(body)).to.deep.equal(['tasks']);
      const [first, second] = objects(body['tasks']);
      expect(first).to.include({
        id: 'golden-1.0',
        workflow_id: 'golden-1',
        type: 'validate',
        state: 'completed',
        retry_count: 0,
        max_retries: 2,
      });
      expect(first?.['input']).to.deep.equal({ order: 7 });
      expect(second?.['input']).to.deep.equal({ order: 7, valid: true });
      expect(second?.['depends_on']).to.deep.equal(['validate']);
      expect(second?.['worker_id']).to.be.a('string');
      for (const time of ['created_at', 'started_at', 'completed_at']) {
        expect(first?.[time], time).to.match(rfc3339);
      }
    });

    it('shows a task, with the error of one that failed', async () => {
      const { status, body } = await get('/tasks/golden-2.0');
      expect(status).to.equal(200);
      expect(body).to.include({
        id: 'golden-2.0',
        workflow_id: 'golden-2',
        state: 'failed',
        error: 'no paper',
      });
    });

    it('counts workflows by state in flat integers that add up', async () => {
      const { status, body } = await get('/stats');
      expect(status).to.equal(200);
      expect(Object.keys(body)).to.have.members([
        'total_workflows',
        'pending',
        'running',
        'completed',
        'failed',
        'canceled',
      ]);
      const { total_workflows: total, ...states } = body;
      const sum = Object.values(states).reduce((all: number, some) => all + Number(some), 0);
      expect(total).to.equal(sum).and.to.be.at.least(2);
    });

    it('cancels a running workflow, and a canceled one again', async () => {
      await post('/workflows', { name: 'held', id: 'golden-3' });
      const message = { message: 'Workflow canceled successfully' };
      const first = await post('/workflows/golden-3/cancel', { reason: 'changed my mind' });
      expect(first).to.include({ status: 200 });
      expect(first.body).to.deep.equal(message);
      expect((await post('/workflows/golden-3/cancel')).body).to.deep.equal(message);
      const { body } = await get('/workflows/golden-3');
      expect(body).to.include({ state: 'canceled', error: 'changed my mind' });
    });
  });

  describe('more of a workflow', () => {
    it('shows the graph of a workflow with how far each step is', async () => {
      await finished('broken', 'graph-1');
      const { headers, body } = await get('/workflows/graph-1/graph');
      expect(headers.get('ETag')).to.match(/^"\d+"$/);
      expect(body['name']).to.equal('broken');
      const [step] = objects(body['steps']);
      expect(step).to.include({
        name: 'print',
        task_id: 'graph-1.0',
        on_error: null,
        conditional: false,
        state: 'failed',
        attempt: 1,
        error: 'no paper',
      });
      expect(step?.['completed_at']).to.match(rfc3339);
    });

    it('shows what happened to a workflow, page by page', async () => {
      await finished('order', 'events-1');
      const whole = objects((await get('/workflows/events-1/events')).body['events']);
      expect(whole.map(({ seq }) => seq)).to.deep.equal(whole.map((_, index) => index + 1));
      expect(whole[0]).to.include({ type: 'workflow.accepted', name: 'order' });
      expect(whole.at(-1)).to.include({ type: 'workflow.completed' });
      const first = await get('/workflows/events-1/events?limit=2');
      expect(first.body).to.deep.equal({ events: whole.slice(0, 2), next: 2 });
      const rest2 = await get('/workflows/events-1/events?after=2');
      expect(rest2.body['events']).to.deep.equal(whole.slice(2));
    });

    it('lists the tasks of a workflow as they are now', async () => {
      await finished('order', 'tasks-1');
      const { body } = await get('/tasks?workflow_id=tasks-1&state=completed,failed');
      expect(objects(body['tasks']).map(({ id }) => id)).to.deep.equal(['tasks-1.0', 'tasks-1.1']);
      expect(body['next_cursor']).to.equal(null);
    });

    it('counts what happened, minute by minute', async () => {
      await finished('order', 'counted');
      // It may lag by some seconds.
      for (let started = 0; started === 0;) {
        const minutes = objects((await get('/stats/throughput?minutes=2')).body['minutes']);
        expect(minutes).to.have.length(2);
        started = minutes.reduce((sum, minute) => sum + Number(minute['started']), 0);
      }
    });
  });

  describe('retry', () => {
    it('retries a failed workflow', async () => {
      await finished('broken', 'retried');
      const { status, body } = await post('/workflows/retried/retry');
      expect(status).to.equal(202);
      expect(body['id']).to.equal('retried');
    });
  });

  describe('signal', () => {
    it('is what the step of its name waits for, and gives that its output', async () => {
      await post('/workflows', { name: 'approval', id: 'signaled' });
      const graph = (await get('/workflows/signaled/graph')).body;
      expect(objects(graph['steps']).map(({ name, signal }) => [name, signal])).to.deep.equal([
        ['approve', true],
        ['note', true],
      ]);
      const path = '/workflows/signaled/signals';

      const { status, body } = await post(`${path}/approve`, { payload: { approved: true } });
      expect(status).to.equal(202);
      expect(body).to.deep.equal({ message: 'Signal approve sent', id: 'signaled' });
      expect((await post(`${path}/note`)).status).to.equal(202);
      const { body: end } = await get('/workflows/signaled');
      expect(end).to.deep.include({
        state: 'completed',
        outputs: { approve: { approved: true }, note: {} },
      });
      const { body: history } = await get('/workflows/signaled/events');
      expect(objects(history['events']).map(({ type }) => type)).to.deep.equal([
        'workflow.accepted',
        'task.waiting',
        'task.signaled',
        'task.completed',
        'task.waiting',
        'task.signaled',
        'task.completed',
        'workflow.completed',
      ]);
    });

    it('is the same one under the same Idempotency-Key', async () => {
      await post('/workflows', { name: 'approval', id: 'signaled-twice' });
      const path = '/workflows/signaled-twice/signals/approve';
      const key = { 'Idempotency-Key': 'decision-7' };
      const yes = { payload: { approved: true } };
      expect((await post(path, yes, key)).status).to.equal(202);
      expect((await post(path, yes, key)).status).to.equal(202);
      const no = await post(path, { payload: { approved: false } }, key);
      expect(no).to.include({ status: 422 });
      expect(no.body['code']).to.equal('IDEMPOTENCY_MISMATCH');
      const again = await post(path, yes);
      expect(again).to.include({ status: 409 });
      expect(again.body['code']).to.equal('SIGNAL_NOT_AWAITED');
    });

    it('is refused with a pointer to the field that does not fit', async () => {
      await post('/workflows', { name: 'approval', id: 'signaled-badly' });
      const path = '/workflows/signaled-badly/signals/approve';
      const { status, body } = await post(path, { payload: { approved: 'yes' } });
      expect(status).to.equal(400);
      expect(objects(body['errors']).map(({ pointer }) => pointer)).to.deep.equal([
        '/payload/approved',
      ]);
      expect((await get('/workflows/signaled-badly/tasks')).body['tasks'])
        .to.have.nested.property('[0].state')
        .that.equals('waiting');
    });
  });

  describe('start', () => {
    it('answers 201 with the place of the workflow', async () => {
      const { status, headers, body } = await post('/workflows', { name: 'order', input: {} });
      expect(status).to.equal(201);
      expect(body['workflow_id']).to.be.a('string').and.to.equal(body['id']);
      expect(body['existing']).to.equal(false);
      expect(headers.get('Location')).to.equal(`/api/v1/workflows/${textOf(body['id'])}`);
    });

    it('refuses an id that exists, or gives the existing workflow when asked to', async () => {
      const start = { name: 'order', id: 'twice' };
      expect((await post('/workflows', start)).status).to.equal(201);
      const again = await post('/workflows', start);
      expect(again).to.include({ status: 409 });
      expect(again.body['code']).to.equal('ALREADY_EXISTS');
      const existing = await post('/workflows', { ...start, on_conflict: 'use_existing' });
      expect(existing.status).to.equal(200);
      expect(existing.body).to.include({ id: 'twice', existing: true });
    });

    it('takes a body of a type that is JSON by its suffix', async () => {
      const headers = { 'Content-Type': 'application/vnd.orders+json' };
      const { status } = await post('/workflows', { name: 'order', id: 'by-suffix' }, headers);
      expect(status).to.equal(201);
    });

    it('takes a repeat with the same Idempotency-Key for the same start', async () => {
      const start = { name: 'order', id: 'keyed' };
      const key = { 'Idempotency-Key': 'order-77' };
      expect((await post('/workflows', start, key)).status).to.equal(201);
      const again = await post('/workflows', start, key);
      expect(again.status).to.be.oneOf([200, 201]);
      expect(again.body['id']).to.equal('keyed');
    });

    it('gives the workflow its own timeout', async () => {
      await post('/workflows', { name: 'held', id: 'timed', timeout: '1h30m' });
      const { body } = await get('/workflows/timed');
      const ms = Date.parse(textOf(body['timeout_at'])) - Date.parse(textOf(body['created_at']));
      expect(ms).to.be.closeTo(5_400_000, 1_000);
    });
  });

  describe('result', () => {
    it('waits for the output of a workflow that completes', async () => {
      await post('/workflows', { name: 'order', id: 'result-1', input: { order: 1 } });
      const { status, body } = await get('/workflows/result-1/result?wait=20s');
      expect(status).to.equal(200);
      expect(body).to.deep.equal({
        id: 'result-1',
        state: 'completed',
        output: { order: 1, valid: true, charged: 42 },
      });
    });

    it('takes the time to wait as milliseconds, too', async () => {
      await finished('order', 'result-in-ms');
      expect((await get('/workflows/result-in-ms/result?wait=1500')).status).to.equal(200);
      expect((await get('/workflows/result-in-ms/result?wait=60001')).status).to.equal(400);
    });

    it('answers 202 while it runs', async () => {
      await post('/workflows', { name: 'held', id: 'result-2' });
      const { status, headers, body } = await get('/workflows/result-2/result?wait=50ms');
      expect(status).to.equal(202);
      expect(headers.get('Retry-After')).to.equal('1');
      expect(body['state']).to.be.oneOf(['pending', 'running']);
    });

    it('answers 409 with the failure of one that failed', async () => {
      await finished('broken', 'result-3');
      const { status, body } = await get('/workflows/result-3/result');
      expect(status).to.equal(409);
      expect(body).to.include({ code: 'WORKFLOW_FAILED', state: 'failed', message: 'no paper' });
      expect(body['failure']).to.include({ name: 'NonRetryableError', step: 'print' });
    });
  });

  it('shows the log lines of a workflow with their step', async () => {
    await finished('order', 'logs-1');
    // Lines are stored soon after the attempt that wrote them, not with it.
    let lines: readonly JsonObject[] = [];
    while (lines.length === 0) lines = objects((await get('/workflows/logs-1/logs')).body['logs']);
    expect(lines[0]).to.include({
      level: 'info',
      message: 'charging',
      step: 'charge',
      task_id: 'logs-1.1',
      attempt: 1,
    });
    expect(lines[0]?.['at']).to.match(rfc3339);
    const ofOther = await get('/workflows/logs-1/logs?step=0');
    expect(ofOther.body['logs']).to.deep.equal([]);
  });

  it('shows definitions with the graph that runs', async () => {
    const all = objects((await get('/definitions')).body['definitions']);
    expect(all.map(({ name }) => name)).to.include.members(['order', 'held', 'broken']);
    const { body } = await get('/definitions/order');
    const [validate, charge] = objects(body['steps']);
    expect(validate).to.include({ name: 'validate' });
    expect(charge?.['needs']).to.deep.equal(['validate']);
    const same = await get(`/definitions/order?version=${textOf(body['version'])}`);
    expect(same.body).to.deep.equal(body);
    const [version] = objects(body['versions']);
    expect(version?.['version']).to.equal(body['version']);
    expect(version?.['registered_at']).to.match(rfc3339);
  });

  it('shows the nodes of the cluster', async () => {
    const { body } = await get('/cluster');
    expect(body).to.include({ node: 'a', shards: 16 });
    const [node] = objects(body['nodes']);
    expect(node).to.include({ name: 'a', state: 'up' });
    const nodes = objects((await get('/cluster/nodes')).body['nodes']);
    expect(nodes.map(({ name }) => name)).to.deep.equal(['a']);
    const one = await get('/cluster/nodes/a');
    expect(one.body).to.include({ name: 'a', started_at: node?.['started_at'] });
  });

  it('drains no node that is the last, undrains any, and kills none outside of development', async () => {
    expect((await post('/cluster/nodes/a/drain')).body['code']).to.equal('LAST_NODE');
    expect((await post('/cluster/nodes/a/undrain')).body).to.include({
      name: 'a',
      draining: false,
    });
    expect((await post('/dev/kill', { node: 'a' })).status).to.equal(404);
  });

  it('asks and tells actors', async () => {
    const told = await post('/actors/counter/c1/tell', { message: 'add', payload: 2 });
    expect(told.status).to.equal(202);
    expect(told.body).to.deep.equal({ accepted: true });
    const asked = await post('/actors/counter/c1/ask', { message: 'add', payload: 3 });
    expect(asked.status).to.equal(200);
    expect(asked.body).to.deep.equal({ reply: 5 });
  });

  it('says that it lives and is ready', async () => {
    for (const path of ['/livez', '/readyz', '/healthz', '/startupz']) {
      expect((await request(rest.doors.url, 'GET', path)).status, path).to.equal(200);
    }
  });

  it('gives a request id back, or makes one', async () => {
    const given = await request(rest.doors.url, 'GET', '/livez', {
      headers: { 'X-Request-Id': 'mine-1' },
    });
    expect(given.headers.get('X-Request-Id')).to.equal('mine-1');
    const made = await request(rest.doors.url, 'GET', '/livez', {
      headers: { 'X-Request-Id': 'not { decent' },
    });
    expect(made.headers.get('X-Request-Id')).to.match(/^[0-9a-f-]{36}$/);
  });

  it('says who asks, who signs in, and that there is nobody to sign out', async () => {
    const anonymous = { name: 'anonymous', authentication: 'none' };
    expect((await get('/whoami')).body).to.include(anonymous);
    expect((await post('/session', { key: 'tk_any' })).body).to.include(anonymous);
    const { status } = await request(rest.doors.url, 'DELETE', '/api/v1/session');
    expect(status).to.equal(200);
  });

  it('shows its document, and no metrics where they are off', async () => {
    const metrics = await request(rest.doors.url, 'GET', '/metrics');
    expect(metrics.body['code']).to.equal('ROUTE_NOT_FOUND');
    const { body } = await request(rest.doors.url, 'GET', '/api/openapi.json');
    expect(body['openapi']).to.equal('3.1.1');
  });

  it('takes an actor that nobody put into quarantine for one that is not', async () => {
    await post('/actors/counter/c2/tell', { message: 'add', payload: 1 });
    expect((await post('/actors/counter/c2/resume')).status).to.equal(200);
  });

  // Last: each of these calls was checked against the document, see support/contract.ts.
  describe('as a whole', () => {
    it('has no route that these tests did not call', () => {
      const missing = allRoutes.map(({ id }) => id).filter((id) => !exercised.has(id));
      expect(missing).to.deep.equal([]);
    });
  });
});
