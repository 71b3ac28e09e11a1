import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';

import { RedisLink } from '#cluster/redis/connection.ts';
import { Mailboxes } from '#cluster/redis/mailboxes.ts';
import { actor, workflow } from '#sdk/index.ts';

import { checkJournal, storedHistory } from '../support/checker.ts';
import { startCluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';

const later = workflow('later')
  .task('try', {
    retry: { maxAttempts: 2, initialInterval: '1500ms', jitter: 0 },
    run: (_input, { attempt }) => {
      if (attempt === 1) throw new Error('not yet');
      return { attempt };
    },
  })
  .build();

const quick = workflow('quick')
  .task('only', { run: () => ({ done: true }) })
  .build();

const counter = actor('counter', {
  state: { count: 0 },
  on: { add: ({ count }, by: number) => ({ state: { count: count + by }, reply: count + by }) },
});

describe('an actor that has nothing to do', function () {
  this.timeout(40_000);

  it('leaves the memory of its node, and is woken when its timer is due', async () => {
    await using cluster = await startCluster({ definitions: [later], idleMs: 120 });
    const { id } = await cluster.api.start({ name: 'later', input: {} });
    await until(async () => cluster.nodes[0]?.load().actors === 0);

    expect((await cluster.api.workflow(id)).tasks[0]?.state).to.equal('retrying');
    const { workflow: view } = await cluster.api.result(id, 10_000);
    expect(view.output).to.deep.equal({ attempt: 2 });
  });

  it('comes back with its state for each message, and its history has no gap', async () => {
    await using cluster = await startCluster({ definitions: [counter], idleMs: 60 });
    const add = { name: 'counter', key: 'k', on: 'add', payload: 1 };
    for (const expected of [1, 2, 3]) {
      expect(await cluster.api.ask(add)).to.equal(expected);
      await until(async () => cluster.nodes[0]?.load().actors === 0);
    }

    const { events } = await checkJournal(cluster.options.mysql);
    const seqs = await storedHistory(cluster.options.mysql, 'counter/k');
    expect(seqs).to.deep.equal(events.get('counter/k')?.map((_, index) => index + 1));
  });
});

describe('a mailbox', function () {
  this.timeout(40_000);

  it('may bring back starts that were applied, more than are read at a time: they begin nothing anew', async () => {
    await using cluster = await startCluster({ definitions: [quick], shards: 1 });
    const ids = Array.from({ length: 600 }, (_, index) => `back-${index}`);
    await Promise.all(
      ids.map(async (id) => {
        await cluster.api.start({ name: 'quick', id, requestId: id, input: {} });
        await cluster.api.result(id, 20_000);
      }),
    );
    const { version } = await cluster.api.definition('quick');
    await cluster.nodes[0]?.stop({ graceMs: 1_000 });

    // As if the node had died before it could remove what it had applied.
    const link = await RedisLink.connect(cluster.options.redis, cluster.options.redisPrefix);
    const mailboxes = new Mailboxes(link);
    const command = { type: 'workflow.start', name: 'quick', version, input: {} };
    await Promise.all(
      ids.map(async (id) => {
        const more = { timeoutMs: null, onConflict: 'fail' };
        const envelope = { id, to: id, command: { ...command, ...more }, fresh: true };
        await mailboxes.send(0, JSON.stringify(envelope));
      }),
    );
    await cluster.join({ name: 'next' });
    await until(async () => (await mailboxes.depth([0])).get(0) === 0);
    await link.close();

    const { events } = await checkJournal(cluster.options.mysql);
    for (const id of ids) {
      const accepted = events.get(id)?.filter(({ type }) => type === 'workflow.accepted');
      expect(accepted, id).to.have.lengthOf(1);
    }
  });
});

describe('a checkpoint', function () {
  this.timeout(40_000);

  it('that is held up loses no event, though its shards are handed over meanwhile', async () => {
    await using cluster = await startCluster({ definitions: [counter] });
    const connection = await createConnection(cluster.options.mysql);
    const add = async (api = cluster.api, key = 'k') =>
      await api.ask({ name: 'counter', key, on: 'add', payload: 1 });
    await add();
    await until(async () => (await storedHistory(cluster.options.mysql, 'counter/k')).length >= 4);
    // Holds up the snapshot that is written next, and with it its round.
    await connection.query('START TRANSACTION');
    await connection.query("SELECT * FROM actor WHERE id = 'counter/k' FOR UPDATE");
    await add();
    await new Promise((resolve) => setTimeout(resolve, 200));

    const second = await cluster.join({ name: 'second' });
    const stopped = cluster.nodes[0]?.stop({ graceMs: 100 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await connection.query('ROLLBACK');
    await connection.end();
    await stopped;

    expect(await add(second.api)).to.equal(3);
    await checkJournal(cluster.options.mysql);
  });
});
