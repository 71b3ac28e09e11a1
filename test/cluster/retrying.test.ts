import { expect } from 'chai';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

import type { WorkflowChange } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { checkJournal, storedHistory } from '../support/checker.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { refusal } from '../support/rejection.ts';
import { until } from '../support/until.ts';

let isBroken = true;
let door = gate();
const ran: string[] = [];

const delivery = workflow('delivery')
  .task('pack', {
    run: (_input, { workflowId, attempt }) => {
      ran.push(`${workflowId} pack ${attempt}`);
      return { packed: true };
    },
  })
  .task('drive', {
    needs: ['pack'],
    retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 },
    run: async (_input, { workflowId, attempt, idempotencyKey }) => {
      ran.push(`${workflowId} drive ${attempt} ${idempotencyKey}`);
      if (isBroken) throw new Error('the bridge is closed');
      await door.pass();
      return { drove: true };
    },
  })
  .task('hand_over', { needs: ['drive'], run: () => ({ delivered: true }) })
  .build();

describe('a failed workflow of a cluster', function () {
  this.timeout(40_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster({ nodes: 2, definitions: [delivery], idleMs: 120 });
  });

  after(async () => await cluster[Symbol.asyncDispose]());

  beforeEach(() => {
    isBroken = true;
    door = gate();
  });

  async function failed(id: string): Promise<string> {
    await cluster.api.start({ name: 'delivery', id, input: { order: 7 } });
    expect((await cluster.api.result(id, 10_000)).workflow.state).to.equal('failed');
    return id;
  }

  it('is retried from its failed step by any node, in memory or not, and completes', async () => {
    const ids = await Promise.all(['warm-1', 'warm-2', 'cold-1', 'cold-2'].map(failed));
    const [warm, cold] = [ids.slice(0, 2), ids.slice(2)];
    mend();

    await Promise.all(warm.map(async (id, index) => await cluster.apis[index]?.retry(id)));
    await until(async () => cluster.nodes.every((node) => node.load().actors === 0));
    await Promise.all(cold.map(async (id, index) => await cluster.apis[index]?.retry(id)));
    const ends = await Promise.all(ids.map(async (id) => await cluster.api.result(id, 10_000)));

    for (const { workflow: view, tasks } of ends) {
      expect(view.output).to.deep.equal({ order: 7, packed: true, drove: true, delivered: true });
      expect(view).not.to.have.any.keys('error', 'failure');
      expect(tasks.map(({ attempt }) => attempt)).to.deep.equal([1, 3, 1]);
      expect(ran.filter((line) => line.startsWith(`${view.id} `))).to.deep.equal([
        `${view.id} pack 1`,
        ...[1, 2, 3].map((attempt) => `${view.id} drive ${attempt} ${view.id}:1`),
      ]);
    }
  });

  it('is open again in the store, so that lists and takeovers find it, and its history has no gap', async () => {
    const id = await failed('stored');
    await until(async () => (await stored(id))?.['is_open'] === 0);
    isBroken = false;

    await cluster.api.retry(id);
    await until(async () => (await stored(id))?.['is_open'] === 1);
    const open = await stored(id);
    const { rows: listed } = await cluster.api.list({ limit: 10, states: ['running'] });
    door.open();
    await cluster.api.result(id, 10_000);
    await until(async () => (await stored(id))?.['is_open'] === 0);

    expect(open).to.include({ state: 'running', ended_at: null, failure: null });
    expect(listed.map((row) => row.id)).to.deep.equal([id]);
    expect(await stored(id)).to.include({ state: 'completed' });
    const { events } = await checkJournal(cluster.options.mysql);
    const seqs = await storedHistory(cluster.options.mysql, id);
    expect(seqs).to.deep.equal(events.get(id)?.map((_, index) => index + 1));
  });

  it('is waited for again by who asks for its result, and its changes are told to watchers', async () => {
    const id = await failed('watched');
    isBroken = false;
    const changes: WorkflowChange[] = [];
    const ended = new Promise<void>((resolve) => {
      cluster.apis[1]?.live.watchWorkflow(id, (change) => {
        changes.push(change);
        if (change.workflow.state === 'completed') resolve();
      });
    });
    await until(async () => changes.length > 0);

    await cluster.api.retry(id);
    const waiting = cluster.api.result(id, 10_000);
    door.open();

    expect((await waiting).workflow.state).to.equal('completed');
    await ended;
    const opened = changes.find(({ workflow: view }) => view.state === 'running');
    expect(opened?.workflow).not.to.have.any.keys('ended_at', 'error');
    expect(opened?.tasks.map(({ step, state }) => [step, state])).to.deep.equal([
      ['drive', 'pending'],
      ['hand_over', 'pending'],
    ]);
  });

  it('refuses what cannot be retried, saying why', async () => {
    mend();
    const { id } = await cluster.api.start({ name: 'delivery', input: {} });
    await cluster.api.result(id, 10_000);

    const completed = await refusal(cluster.api.retry(id));
    const missing = await refusal(cluster.api.retry('nowhere'));

    expect(completed).to.include({ code: 'NOT_FAILED' });
    expect(completed.message).to.match(/ is completed, and only one that has failed /);
    expect(missing).to.include({ code: 'NOT_FOUND', message: 'workflow not found: nowhere' });
  });

  it('goes on where it was when its owner leaves after it was retried', async () => {
    const ids = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => await failed(`moved-${index}`)),
    );
    await until(async () => cluster.nodes.every((node) => node.load().actors === 0));
    isBroken = false;
    await Promise.all(ids.map(async (id) => await cluster.api.retry(id)));

    const next = await cluster.join({ name: 'next' });
    const left = cluster.nodes[0]?.stop({ graceMs: 100 });
    door.open();
    await left;
    const ends = await Promise.all(ids.map(async (id) => await next.api.result(id, 20_000)));

    expect(ends.map(({ workflow: view }) => view.state)).to.deep.equal(ids.map(() => 'completed'));
  });

  async function stored(id: string): Promise<RowDataPacket | undefined> {
    const connection = await createConnection(cluster.options.mysql);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(
        'SELECT state, is_open, ended_at, failure FROM actor WHERE id = ?',
        [id],
      );
      return rows[0];
    } finally {
      await connection.end();
    }
  }
});

describe('a workflow that failed longer ago than workflows are kept', function () {
  this.timeout(40_000);

  it('is removed, and can be started anew, unless it was retried in time', async () => {
    isBroken = true;
    door = gate();
    await using cluster = await startCluster({ definitions: [delivery], shards: 4 });
    const ids = ['gone-1', 'gone-2', 'kept'];
    const start = async (id: string, api = cluster.api) =>
      await api.start({ name: 'delivery', id, input: {} });
    await Promise.all(ids.map(async (id) => await start(id)));
    await Promise.all(ids.map(async (id) => await cluster.api.result(id, 10_000)));
    isBroken = false;
    await cluster.api.retry('kept');
    await cluster.nodes[0]?.stop({ graceMs: 0 });

    const next = await cluster.join({ name: 'next', retentionMs: 1 });
    await until(async () => {
      const { rows } = await next.api.list({ limit: 10 });
      return rows.length === 1;
    });
    door.open();
    const kept = await next.api.result('kept', 20_000);
    const gone = await refusal(next.api.retry('gone-1'));
    const again = await start('gone-2', next.api);

    expect(kept.workflow.state).to.equal('completed');
    expect(gone).to.include({ code: 'NOT_FOUND' });
    expect(again).to.deep.equal({ id: 'gone-2', existing: false });
  });
});

function mend(): void {
  isBroken = false;
  door.open();
}
