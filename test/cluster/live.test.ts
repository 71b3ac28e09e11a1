import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

import { shardOf } from '#actors/ids.ts';
import type { WorkflowChange, WorkflowRow } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { until } from '../support/until.ts';

let door = gate();

const shown = workflow('shown')
  .task('first', {
    run: async (_input, { log, progress }) => {
      await door.pass();
      log.info('a line');
      progress(0.5);
      return {};
    },
  })
  .task('second', { needs: ['first'], run: () => ({}) })
  .task('third', { needs: ['second'], run: async () => await door.pass() })
  .build();

describe('the live feed of a node', function () {
  this.timeout(40_000);

  it('tells every change of a workflow that another node owns, each beginning where the last ended', async () => {
    door = gate();
    await using cluster = await startCluster({ nodes: 2, definitions: [shown] });
    const [owner, watcher] = cluster.nodes;
    const id = await ownedBy(cluster, owner?.name ?? '');
    const changes: WorkflowChange[] = [];
    const ended = new Promise<void>((resolve) => {
      watcher?.api.live.watchWorkflow(id, (change) => {
        changes.push(change);
        if (change.workflow.ended_at !== undefined) resolve();
      });
    });
    await watcher?.api.start({ name: 'shown', id, input: {} });
    await until(async () => changes.length > 0);
    door.open();
    await ended;

    for (const [index, { fromSeq, seq }] of changes.entries()) {
      expect(fromSeq).to.equal(index === 0 ? 0 : changes[index - 1]?.seq);
      expect(seq).to.be.at.least(fromSeq);
    }
    const { seq, tasks } = await cluster.api.workflow(id);
    expect(changes.at(-1)?.seq).to.equal(seq);
    const told = new Map(changes.flatMap((change) => change.tasks.map((task) => [task.id, task])));
    expect(tasks.map((task) => told.get(task.id))).to.deep.equal(tasks);
  });

  it('goes on after the owner has changed, and a gap would show', async () => {
    door = gate();
    await using cluster = await startCluster({ nodes: 2, definitions: [shown] });
    const [owner, watcher] = cluster.nodes;
    const id = await ownedBy(cluster, owner?.name ?? '');
    await watcher?.api.start({ name: 'shown', id, input: {} });
    const changes: WorkflowChange[] = [];
    const ended = new Promise<void>((resolve) => {
      watcher?.api.live.watchWorkflow(id, (change) => {
        changes.push(change);
        if (change.workflow.ended_at !== undefined) resolve();
      });
    });

    const stopped = owner?.stop({ graceMs: 5_000 });
    await until(async () => (watcher?.load().shards ?? 0) === 16);
    door.open();
    await Promise.all([ended, stopped]);

    for (const [index, { fromSeq }] of changes.entries()) {
      if (index > 0) expect(fromSeq).to.be.at.least(changes[index - 1]?.seq ?? 0);
    }
    const { seq, workflow: view } = (await watcher?.api.workflow(id)) ?? {};
    expect(changes.at(-1)?.seq).to.equal(seq);
    expect(view?.state).to.equal('completed');
  });

  it('tells the newest state of every workflow of the cluster to whoever watches rows, until told to stop', async () => {
    door = gate();
    door.open();
    await using cluster = await startCluster({ nodes: 2, definitions: [shown] });
    const rows = new Map<string, WorkflowRow>();
    const stop = cluster.api.live.watchRows(
      (changed) => {
        for (const row of changed) rows.set(row.id, row);
      },
      () => undefined,
    );
    const started = await Promise.all(
      Array.from({ length: 20 }, async () => {
        return await cluster.apis[1]?.start({ name: 'shown', input: {} });
      }),
    );

    await until(async () => started.every((one) => rows.get(one?.id ?? '')?.state === 'completed'));
    stop();
    expect(rows.size).to.equal(20);
  });

  it('says that rows were missed when a message of a node is lost, or the node', async () => {
    await using cluster = await startCluster({ nodes: 2, definitions: [shown] });
    const [watcher, other] = cluster.nodes;
    let missed = 0;
    cluster.api.live.watchRows(
      () => undefined,
      () => {
        missed += 1;
      },
    );
    // Each node says that its rows begin to come.
    await until(async () => missed === 2);
    const redis = new Redis(cluster.options.redis);
    const { redisPrefix } = cluster.options;
    const told = { t: 'rows', from: other?.id, n: 3, rows: [] };
    await redis.rpush(`${redisPrefix}{n${watcher?.id}}:inbox`, JSON.stringify(told));
    await until(async () => missed >= 3);
    // The node is told what was seen of it, and says the right number: that is a gap, too.
    await until(async () => missed >= 4);
    const before = missed;
    await other?.stop({ graceMs: 0 });
    await until(async () => missed > before);
    await redis.quit();
  });
});

/** An id whose shard this node owns, as MySQL says. */
async function ownedBy({ options }: TestCluster, name: string): Promise<string> {
  const connection = await createConnection(options.mysql);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT shard_id FROM shard WHERE owner = ?',
      [name],
    );
    const owned = new Set(rows.map((row) => Number(row['shard_id'])));
    for (let index = 0; ; index += 1) {
      const id = `seek-${index}`;
      if (owned.has(shardOf(id, 16))) return id;
    }
  } finally {
    await connection.end();
  }
}
