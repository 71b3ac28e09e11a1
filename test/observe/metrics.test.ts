import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { pino } from 'pino';
import { io } from 'socket.io-client';

import { shardOf } from '#actors/ids.ts';
import { ownerOf } from '#cluster/members/placement.ts';
import type { Node, NodeOptions } from '#cluster/node.ts';
import { Notices } from '#cluster/notices.ts';
import { RedisLink } from '#cluster/redis/connection.ts';
import { Mailboxes } from '#cluster/redis/mailboxes.ts';
import { namespace } from '#http/live-protocol.ts';
import { createDoor, type Door } from '#http/server.ts';
import { NodeMetrics } from '#observe/node-metrics.ts';
import { actor, NonRetryableError, task, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, request } from '../support/doors.ts';
import { type Gate, gate } from '../support/held.ts';
import { startLonelyNode } from '../support/lonely-node.ts';
import { NodeProcess } from '../support/node-process.ts';
import { Scrape } from '../support/scrape.ts';

const probe = new URL('../support/modules/probe.ts', import.meta.url).href;

/** What has been read of each metric in this file: all of them are to have moved at the end. */
const seen = new Map<string, Set<string>>();

async function scrape(metrics: NodeMetrics): Promise<Scrape> {
  const read = await Scrape.of(metrics);
  for (const name of read.names) {
    const series = read.series.filter(
      (one) => one.name.replace(/_(bucket|sum|count)$/, '') === name,
    );
    const all = seen.get(name) ?? new Set();
    seen.set(name, all.add(JSON.stringify(series)));
  }
  return read;
}

interface Observed {
  readonly node: Node;
  readonly metrics: NodeMetrics;
  readonly scrape: () => Promise<Scrape>;
}

async function observed(cluster: TestCluster, options: Partial<NodeOptions>): Promise<Observed> {
  const notices = new Notices();
  const metrics = new NodeMetrics(notices, { version: '1.2.3' });
  const node = await cluster.join({ ...options, notices });
  metrics.watchNode(node);
  return { node, metrics, scrape: async () => await scrape(metrics) };
}

describe('the metrics of a node', function () {
  this.timeout(60_000);

  let cluster: TestCluster;
  let a: Observed;
  let b: Observed;
  let held: Gate;
  let began: Gate;

  before(async () => {
    held = gate();
    began = gate();
    cluster = await startCluster({ nodes: 0 });
    a = await observed(cluster, { definitions: definitions(held, began), worker: false });
    b = await observed(cluster, {
      definitions: definitions(held, began),
      modules: [probe],
      engine: false,
      concurrency: 2,
    });
  });

  after(async () => {
    held.open();
    await cluster[Symbol.asyncDispose]();
  });

  const run = async (name: string, input = {}): Promise<string> => {
    const { id } = await a.node.api.start({ name, input });
    await a.node.api.result(id, 20_000);
    return id;
  };

  it('count starts and ends of workflows on the node that owns them, by name and outcome', async () => {
    await run('fine');
    await run('fine');
    const failed = await run('fails');
    await a.node.api.retry(failed);
    await a.node.api.result(failed, 20_000);
    const { id } = await a.node.api.start({ name: 'holds', input: {} });
    await began.pass();
    await a.node.api.cancel(id);

    const owner = await a.scrape();
    expect(owner.value('temjob_workflows_started_total', { workflow: 'fine' })).to.equal(2);
    expect(owner.value('temjob_workflows_started_total', { workflow: 'holds' })).to.equal(1);
    for (const [name, outcome, count] of [
      ['fine', 'completed', 2],
      ['fails', 'failed', 2],
      ['holds', 'canceled', 1],
      ['fine', 'failed', 0],
    ] as const) {
      const labels = { workflow: name, outcome };
      expect(owner.value('temjob_workflows_closed_total', labels), name).to.equal(count);
    }
    expect(owner.value('temjob_workflows_retried_total', { workflow: 'fails' })).to.equal(1);
    expect(owner.value('temjob_workflow_duration_seconds_count', { workflow: 'fine' })).to.equal(2);
    expect((await b.scrape()).value('temjob_workflows_started_total')).to.equal(0);
  });

  it('count tasks and retries on the owner, and attempts with their times on the node that ran them', async () => {
    const before = await a.scrape();
    await run('second_time');
    await run('skips');

    const owner = await a.scrape();
    const worker = await b.scrape();
    const flaky = { task: 'second_time/try' };
    expect(owner.value('temjob_task_retries_total', flaky)).to.equal(1);
    expect(owner.value('temjob_tasks_total', { ...flaky, outcome: 'completed' })).to.equal(1);
    expect(owner.value('temjob_tasks_total', { task: 'skips/no', outcome: 'skipped' })).to.equal(1);
    expect(before.value('temjob_tasks_total', { task: 'fails/work', outcome: 'failed' })).to.equal(
      2,
    );
    expect(before.value('temjob_tasks_total', { task: 'hold', outcome: 'canceled' })).to.equal(1);
    expect(worker.value('temjob_task_attempts_total', { ...flaky, outcome: 'failed' })).to.equal(1);
    expect(worker.value('temjob_task_attempts_total', { ...flaky, outcome: 'completed' })).to.equal(
      1,
    );
    expect(worker.value('temjob_task_duration_seconds_count', flaky)).to.equal(2);
    // The handler takes 20 ms, each time.
    expect(worker.value('temjob_task_duration_seconds_sum', flaky)).to.be.within(0.035, 10);
    expect(worker.value('temjob_task_queue_wait_seconds_count', flaky)).to.equal(2);
    expect(worker.value('temjob_task_queue_wait_seconds_sum', flaky)).to.be.within(0, 10);
    expect(owner.value('temjob_task_attempts_total')).to.equal(0);
    expect(worker.value('temjob_tasks_total')).to.equal(0);
  });

  it('tell the lag of timers, and how many actors want to be woken', async () => {
    const before = await a.scrape();
    const { id } = await a.node.api.start({ name: 'patient', input: {} });
    const pending = await a.scrape();
    await a.node.notices.next('timer.rang');
    await a.node.api.cancel(id);
    const after = await a.scrape();

    expect(pending.value('temjob_timers_pending')).to.equal(
      before.value('temjob_timers_pending') + 1,
    );
    const rang = 'temjob_timer_lag_seconds_count';
    expect(after.value(rang)).to.be.above(before.value(rang));
    expect(after.value('temjob_timer_lag_seconds_sum')).to.be.below(60);
  });

  it('tell what waits in a queue, what is taken, and for how long the oldest has waited', async () => {
    await b.node.setWorker(false);
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      ids.push((await a.node.api.start({ name: 'far', input: {} })).id);
    }
    const far = { queue: 'far_away' };
    // Nobody offers them now; their owner knows of the queue all the same.
    const waiting = await until(a, (read) => read.value('temjob_queue_backlog', far) === 3);
    const older = await a.scrape();
    expect(waiting.value('temjob_queue_leased', far)).to.equal(0);
    expect(older.value('temjob_queue_oldest_age_seconds', far)).to.be.above(
      waiting.value('temjob_queue_oldest_age_seconds', far),
    );

    await b.node.setWorker(true);
    // It takes as many as it has room for.
    const taken = await until(b, (read) => read.value('temjob_queue_leased', far) === 2);
    expect(taken.value('temjob_queue_backlog', far)).to.equal(1);
    expect(taken.value('temjob_thread_pool_utilization_ratio', { pool: 'inline' })).to.equal(1);
    held.open();
    for (const id of ids) await a.node.api.result(id, 20_000);
    await until(b, (read) => read.value('temjob_queue_leased', far) === 0);
  });

  it('tell how busy the threads are, and what waits for them', async () => {
    const { node } = b;
    const begun = node.notices.next('task.started', ({ key }) => key.startsWith('relay-1'));
    const log = join(tmpdir(), `temjob-metrics-${process.pid}`);
    await a.node.api.start({ name: 'relay', id: 'relay-1', input: { log, ms: 400 } });
    await begun;

    const read = await b.scrape();
    const shared = { pool: 'shared' };
    expect(read.value('temjob_thread_pool_utilization_ratio', shared)).to.equal(0.5);
    expect(read.value('temjob_thread_pool_threads', shared)).to.equal(1);
    expect(read.value('temjob_tasks_running')).to.equal(1);
    await a.node.api.cancel('relay-1');
    await rm(log);
  });

  it('do not mix with those of another node in the same process, and name the build', async () => {
    const labels = { version: '1.2.3', node_version: process.versions.node };
    for (const one of [a, b]) {
      const read = await one.scrape();
      expect(read.value('temjob_build_info', labels)).to.equal(1);
      expect(read.value('process_resident_memory_bytes')).to.be.above(1e6);
      expect(read.labels('nodejs_gc_duration_seconds_count', 'kind')).to.include('minor');
    }
    expect((await a.scrape()).value('temjob_shards')).to.equal(16);
    expect((await b.scrape()).value('temjob_shards')).to.equal(0);
  });

  it('follow MySQL and Redis: statements, connections, heartbeats, commits and checkpoints', async () => {
    const before = await a.scrape();
    await run('fine');
    await a.node.notices.next('checkpoint.written');
    await a.node.notices.next('redis.answered');
    const after = await a.scrape();

    const moved = (name: string, labels = {}): number =>
      after.value(name, labels) - before.value(name, labels);
    expect(moved('temjob_commit_entries_count')).to.be.above(1);
    expect(moved('temjob_db_query_seconds_count', { pool: 'commit' })).to.be.above(1);
    expect(moved('temjob_db_query_seconds_count', { pool: 'checkpoint' })).to.be.above(0);
    expect(moved('temjob_checkpoint_seconds_count')).to.be.above(0);
    expect(moved('temjob_checkpoint_snapshots_total')).to.be.above(0);
    expect(moved('temjob_redis_rtt_seconds_count')).to.be.above(0);
    expect(moved('temjob_redis_rtt_seconds_sum')).to.be.below(10);
    expect(after.value('temjob_server_up', { server: 'mysql' })).to.equal(1);
    expect(after.value('temjob_db_pool_size', { pool: 'commit' })).to.equal(2);
  });

  it('tell how many connections are in use and how many are waited for', async () => {
    const connection = await createConnection(cluster.options.mysql);
    await connection.query('LOCK TABLES definition WRITE');
    const asked = Array.from({ length: 8 }, async () => await a.node.api.definitions());
    const query = { pool: 'query' };
    const size = (await a.scrape()).value('temjob_db_pool_size', query);
    const read = await until(a, (one) => one.value('temjob_db_pool_in_use', query) === size);
    await connection.query('UNLOCK TABLES');
    await Promise.all(asked);
    await connection.end();

    expect(read.value('temjob_db_pool_waiting', query)).to.be.at.least(8 - size);
    await until(a, (one) => one.value('temjob_db_pool_in_use', query) === 0);
  });

  it("count turns, mailboxes and quarantines of actors of the user's own", async () => {
    const call = { name: 'counter', key: 'k', payload: null };
    for (let n = 0; n < 3; n += 1) await a.node.api.ask({ ...call, on: 'add' });
    for (let n = 0; n < 2; n += 1) await a.node.api.ask({ ...call, on: 'fail' }).catch(() => null);

    const counter = { actor: 'counter' };
    const owner = await until(a, (read) => read.value('temjob_actor_quarantines_total') === 1);
    const worker = await b.scrape();
    expect(owner.value('temjob_actor_mailbox_depth_count', counter)).to.equal(5);
    expect(owner.value('temjob_actor_mailbox_depth_sum', counter)).to.equal(5);
    expect(owner.value('temjob_actors', { type: 'actor' })).to.equal(1);
    expect(worker.value('temjob_actor_turns_total', counter)).to.equal(5);
    expect(worker.value('temjob_actor_turn_seconds_count', counter)).to.equal(5);
  });

  it('count actors in memory, and how many have come into it', async () => {
    const before = await a.scrape();
    await a.node.api.start({ name: 'waits', id: 'in-memory', input: {} });
    const after = await a.scrape();
    await a.node.api.cancel('in-memory');

    const total = 'temjob_actor_activations_total';
    expect(after.value(total) - before.value(total)).to.equal(1);
    const kind = { type: 'workflow' };
    const most = after.value('temjob_actors', kind);
    expect(most).to.be.above(0);
    await until(a, (read) => read.value('temjob_actors', kind) < most);
  });

  it('count decisions that throw, and duties that fail', async () => {
    const link = await RedisLink.connect(cluster.options.redis, cluster.options.redisPrefix);
    const mailboxes = new Mailboxes(link);
    await a.node.api.start({ name: 'waits', id: 'hit', input: {} });
    const { tasks } = await a.node.api.workflow('hit');
    const faulted = a.node.notices.next('actor.faulted');
    const failed = a.node.notices.next('duty.failed');
    // As a program of another version might: an end without an outcome, and what is no message at all.
    const command = { type: 'task.ended', step: 0, attempt: tasks[0]?.attempt, node: 'x' };
    const shard = shardOf('hit', 16);
    await mailboxes.send(shard, JSON.stringify({ id: 'bad', to: 'hit', command }));
    await mailboxes.send(shard, 'no message');
    await Promise.all([faulted, failed]);
    await link.close();

    const read = await a.scrape();
    expect(read.value('temjob_actor_faults_total')).to.equal(1);
    expect(read.value('temjob_duty_failures_total', { duty: 'read a message' })).to.equal(1);
    await a.node.api.cancel('hit');
  });

  it('follow members that come, drain and go, and shards that move with them', async () => {
    const before = await a.scrape();
    expect(before.value('temjob_shard_moves_total', { reason: 'claimed' })).to.equal(16);
    expect(before.value('temjob_cluster_members', { state: 'up' })).to.equal(2);
    const c = await observed(cluster, { name: 'c', definitions: definitions(held, began) });
    while (c.node.load().shards === 0) await c.node.notices.next('shards.claimed');

    const came = await until(a, (one) => one.value('temjob_membership_changes_total') >= 3);
    const moved = c.node.load().shards;
    expect(came.value('temjob_cluster_members', { state: 'up' })).to.equal(3);
    expect(came.value('temjob_shard_moves_total', { reason: 'released' })).to.equal(moved);
    expect(came.value('temjob_shards')).to.equal(16 - moved);
    const draining = c.node.notices.next('node.draining');
    const back = a.node.notices.next('shards.claimed');
    const stopped = c.node.stop({ graceMs: 0 });
    await draining;
    const leaving = await c.scrape();
    await Promise.all([stopped, back]);

    expect(leaving.value('temjob_node_draining')).to.equal(1);
    const after = await until(a, (one) => one.value('temjob_shards') === 16);
    expect(after.value('temjob_shard_moves_total', { reason: 'claimed' })).to.equal(16 + moved);
    expect(after.value('temjob_shard_moves_total', { reason: 'taken_over' })).to.equal(0);
  });

  it('count a shard that was fenced', async () => {
    const fenced = a.node.notices.next('shard.fenced');
    const connection = await createConnection(cluster.options.mysql);
    await connection.query('UPDATE shard SET epoch = epoch + 1');
    await connection.end();
    await a.node.api.start({ name: 'fine', input: {} });
    await fenced;

    const read = await a.scrape();
    expect(read.value('temjob_shard_moves_total', { reason: 'fenced' })).to.be.above(0);
  });

  it('hold no id of a workflow, a task or a node in any label', async () => {
    const id = await run('fine');
    for (const one of [a, b]) {
      for (const { name, labels } of (await one.scrape()).series) {
        for (const value of Object.values(labels)) {
          expect(value, name).not.to.include(id);
          expect(value, name).not.to.match(/~[0-9a-f]{6}|[0-9a-f]{8}-[0-9a-f]{4}/);
        }
      }
    }
  });
});

describe('the metrics of a node that is full', () => {
  it('tell what waits in its hands', async () => {
    const held = gate();
    await using cluster = await startCluster({ nodes: 0 });
    const began = gate();
    const full = await observed(cluster, { definitions: definitions(held, began), concurrency: 1 });
    for (let n = 0; n < 3; n += 1) await full.node.api.start({ name: 'holds', input: {} });

    const read = await until(full, (one) => one.value('temjob_tasks_waiting') === 2);
    expect(read.value('temjob_tasks_running')).to.equal(1);
    expect(read.value('temjob_thread_pool_waiting', { pool: 'inline' })).to.equal(2);
    held.open();
    await until(full, (one) => one.value('temjob_tasks_running') === 0);
  });
});

describe('a label with more values than it may have', () => {
  it('calls the first hundred by their names and the rest other', async () => {
    const notices = new Notices();
    const metrics = new NodeMetrics(notices, { version: '1' });
    for (let n = 0; n < 150; n += 1) {
      notices.emit('duty.failed', { duty: `duty ${n}`, error: null });
    }
    notices.emit('duty.failed', { duty: 'duty 99', error: null });

    const read = await Scrape.of(metrics);
    expect(read.labels('temjob_duty_failures_total', 'duty').size).to.equal(101);
    expect(read.value('temjob_duty_failures_total', { duty: 'duty 99' })).to.equal(2);
    expect(read.value('temjob_duty_failures_total', { duty: 'other' })).to.equal(50);
  });
});

describe('the metrics of a node whose neighbour dies', function () {
  this.timeout(60_000);

  it('count the member that is down, the shards taken over, and the work that is handed out anew', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'temjob-metrics-'));
    await using cluster = await startCluster({ nodes: 0 });
    const survivor = await observed(cluster, { name: 'survivor', modules: [probe], worker: false });
    await using neighbour = await NodeProcess.start({
      ...cluster.options,
      name: 'neighbour',
      modules: [probe],
      threads: 1,
    });
    const nodes = [survivor.node.id, neighbour.id];
    const ownerOfId = (id: string): string | null => ownerOf(shardOf(id, 16), nodes);
    const kept = Array.from({ length: 16 }, (_, shard) => ownerOf(shard, nodes));
    const share = kept.filter((owner) => owner === survivor.node.id).length;
    await until(survivor, (one) => one.value('temjob_shards') === share);
    const id = names('lost').find((name) => ownerOfId(name) === neighbour.id) ?? '';
    const running = neighbour.next('started');
    const input = { log: join(directory, 'log'), ms: 60_000 };
    await survivor.node.api.start({ name: 'relay', id, input });
    await running;
    await neighbour.kill();

    const read = await until(survivor, (one) => one.value('temjob_tasks_lost_total') > 0);
    expect(read.value('temjob_tasks_lost_total', { task: 'relay/one' })).to.equal(1);
    expect(read.value('temjob_membership_changes_total', { change: 'down' })).to.equal(1);
    expect(read.value('temjob_cluster_members', { state: 'down' })).to.equal(1);
    expect(read.value('temjob_shard_moves_total', { reason: 'taken_over' })).to.equal(16 - share);
    await survivor.node.api.cancel(id);
    await rm(directory, { recursive: true });
  });
});

describe('the metrics of a node whose servers go away', function () {
  this.timeout(60_000);

  it('say which one does not answer, and leave out what it cannot tell', async () => {
    const notices = new Notices();
    const metrics = new NodeMetrics(notices, { version: '1' });
    await using lonely = await startLonelyNode({
      definitions: definitions(gate(), gate()),
      notices,
    });
    const { node, servers } = lonely;
    metrics.watchNode(node);
    const up = await scrape(metrics);
    const redisDown = notices.next('redis.down');
    await servers.kill('redis');
    await redisDown;
    const withoutRedis = await scrape(metrics);
    const mysqlDown = notices.next('mysql.down');
    await servers.kill('mysql');
    await mysqlDown;
    const withoutBoth = await scrape(metrics);

    const [redis, mysql] = [{ server: 'redis' }, { server: 'mysql' }];
    expect(up.value('temjob_server_up')).to.equal(2);
    expect(up.labels('temjob_queue_backlog', 'queue')).to.include('far_away');
    expect(withoutRedis.value('temjob_server_up', redis)).to.equal(0);
    expect(withoutRedis.value('temjob_server_up', mysql)).to.equal(1);
    expect(withoutRedis.labels('temjob_queue_backlog', 'queue').size).to.equal(0);
    expect(withoutRedis.value('temjob_shards')).to.equal(4);
    expect(withoutBoth.value('temjob_server_up')).to.equal(0);
  });
});

describe('the metrics of a door', () => {
  let cluster: TestCluster;
  let door: Door;
  let one: Observed;

  before(async () => {
    cluster = await startCluster({ nodes: 0 });
    one = await observed(cluster, { definitions: definitions(gate(), gate()) });
    door = await openDoor(one);
    one.metrics.watchDoor(door);
  });

  after(async () => {
    await door.close();
    await cluster[Symbol.asyncDispose]();
  });

  it('are served as text for Prometheus, also while the door leaves', async () => {
    const response = await fetch(`${door.url}/metrics`);
    const read = new Scrape(await response.text());

    expect(response.status).to.equal(200);
    expect(response.headers.get('Content-Type')).to.equal(
      'text/plain; version=0.0.4; charset=utf-8',
    );
    expect(read.value('temjob_shards')).to.equal(16);
    const leaving = await openDoor(one);
    await leaving.leave();
    expect((await fetch(`${leaving.url}/metrics`)).status).to.equal(200);
    await leaving.close();
  });

  it('are not there when nobody gives them', async () => {
    await using doors = await openDoors([one.node.api]);
    const answer = await request(doors.url, 'GET', '/metrics');

    expect(answer.status).to.equal(404);
    expect(answer.body['detail']).to.contain('metrics.enabled');
  });

  it('count requests by method, pattern of the path and status', async () => {
    const count = 'temjob_http_request_duration_seconds_count';
    await request(door.url, 'POST', '/api/v1/workflows', { body: { name: 'fine', id: 'w' } });
    await request(door.url, 'GET', '/api/v1/workflows/w/result?wait=20s');
    await request(door.url, 'GET', '/api/v1/workflows/unknown');
    await request(door.url, 'GET', '/api/v1/no/such/thing');
    await request(door.url, 'DELETE', '/livez');
    await fetch(door.url, { headers: { Accept: 'text/html' } });

    // A request is counted when its connection has taken all of it, which is after its client has it.
    const read = await until(one, (now) => now.value(count, { route: 'other' }) === 2);
    for (const [method, route, status] of [
      ['POST', '/api/v1/workflows', '201'],
      ['GET', '/api/v1/workflows/{id}/result', '200'],
      ['GET', '/api/v1/workflows/{id}', '404'],
      ['GET', 'other', '404'],
      ['GET', 'other', '200'],
      ['DELETE', '/livez', '405'],
    ] as const) {
      const counted = read.value(count, { method, route, status });
      expect(counted, `${method} ${route} ${status}`).to.equal(1);
    }
  });

  it('count the pages and the topics that they watch, and when one needs the whole again', async () => {
    const socket = io(door.url + namespace, { transports: ['websocket'], forceNew: true });
    await socket.timeout(5_000).emitWithAck('sub', { topic: 'workflows' });
    const since = { epoch: 'another', ver: 1 };
    await socket.timeout(5_000).emitWithAck('sub', { topic: 'workflows', since });
    const watching = await one.scrape();
    socket.disconnect();

    expect(watching.value('temjob_ui_sockets')).to.equal(1);
    expect(watching.value('temjob_ui_topics')).to.equal(1);
    expect(watching.value('temjob_ui_resyncs_total', { reason: 'epoch' })).to.equal(1);
    await until(one, (now) => now.value('temjob_ui_sockets') === 0);
  });
});

/* Last, because it looks back at all that was read above. */
describe('every metric of TemJob', () => {
  const constant = new Set(['temjob_build_info', 'temjob_db_pool_size']);

  it('has moved while something of what it is about was done', async () => {
    const described = await new NodeMetrics(new Notices(), { version: '1' }).describe();
    const own = described.map(({ name }) => name).filter((name) => name.startsWith('temjob_'));

    expect(own.length).to.be.above(45);
    const still = own.filter((name) => (seen.get(name)?.size ?? 0) < 2);
    expect(still.filter((name) => !constant.has(name))).to.deep.equal([]);
  });
});

async function openDoor({ node, metrics }: Observed): Promise<Door> {
  return await createDoor({
    cluster: node.api,
    host: '127.0.0.1',
    port: 0,
    dev: true,
    log: pino({ level: 'silent' }),
    ...metrics.forDoor,
  });
}

function names(prefix: string): readonly string[] {
  return Array.from({ length: 200 }, (_, index) => `${prefix}-${index}`);
}

async function until(from: Observed, isSo: (read: Scrape) => boolean): Promise<Scrape> {
  for (;;) {
    const read = await from.scrape();
    if (isSo(read)) return read;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function definitions(held: Gate, began: Gate) {
  return [
    workflow('fine')
      .task('one', { run: () => ({ one: 1 }) })
      .task('two', { needs: ['one'], run: () => ({ two: 2 }) })
      .build(),
    workflow('fails')
      .task('work', {
        run: () => {
          throw new NonRetryableError('on purpose');
        },
      })
      .build(),
    task('hold', {
      run: async (_input: object, { signal }) => {
        const aborted = gate();
        signal.addEventListener('abort', () => aborted.open());
        began.open();
        await Promise.race([held.pass(), aborted.pass()]);
        return {};
      },
    }),
    workflow('holds').task('wait', { uses: 'hold' }).build(),
    workflow('second_time')
      .task('try', {
        retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 },
        run: async (_input, { attempt }) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          if (attempt === 1) throw new Error('once');
          return {};
        },
      })
      .build(),
    workflow('skips')
      .task('no', { when: () => false, run: () => ({}) })
      .build(),
    // Nobody has code for these: they wait in their queue, and the timer of one rings.
    workflow('waits').task('wait', { uses: 'nobody_has_it' }).build(),
    workflow('patient')
      .task('wait', { uses: 'nobody_has_it', timeouts: { scheduleToStart: '100ms' } })
      .build(),
    task('far_away', {
      run: async () => {
        await held.pass();
        return {};
      },
    }),
    workflow('far').task('go', { uses: 'far_away' }).build(),
    actor('counter', {
      state: { count: 0 },
      restart: { maxFailures: 1, within: '1m' },
      on: {
        add: ({ count }) => ({ state: { count: count + 1 }, reply: count + 1 }),
        fail: () => {
          throw new Error('this message is bad');
        },
      },
    }),
  ];
}
