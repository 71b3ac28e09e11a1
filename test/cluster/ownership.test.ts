import { expect } from 'chai';

import { workflow } from '#sdk/index.ts';

import { checkCompletedOnce, checkJournal } from '../support/checker.ts';
import { startCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { Load } from '../support/load.ts';

const quick = workflow('quick')
  .task('one', { run: () => ({ one: 1 }) })
  .task('two', { needs: ['one'], run: () => ({ two: 2 }) })
  .build();

describe('the shards of a cluster', function () {
  this.timeout(60_000);

  it('are shared by three nodes, each shard once', async () => {
    await using cluster = await startCluster({ nodes: 3, definitions: [quick] });
    const { nodes, shards } = await cluster.api.cluster();

    expect(nodes.map(({ name }) => name)).to.deep.equal(['a', 'b', 'c']);
    const owned = cluster.nodes.map((node) => node.load().shards);
    expect(owned.reduce((sum, count) => sum + count)).to.equal(shards);
  });

  it('go to a node that joins, and no call fails meanwhile', async () => {
    await using cluster = await startCluster({ definitions: [quick] });
    const load = new Load(() => cluster.apis, { name: 'quick', input: {} });
    await load.reached(20);

    const joined = await cluster.join({ name: 'joined' });
    if (joined.load().shards === 0) await joined.notices.next('shards.claimed');
    await load.reached(load.acknowledged.length + 40);
    await load.stop();
    await Promise.all(load.acknowledged.map(async (id) => await cluster.api.result(id, 20_000)));

    expect(load.refusals.map(String)).to.deep.equal([]);
    checkCompletedOnce(await checkJournal(cluster.options.mysql), load.acknowledged, 2);
  });

  it('go to the later of two nodes of one name, and the earlier one is told why', async () => {
    await using cluster = await startCluster({ definitions: [quick] });
    const [first] = cluster.nodes;
    const told = first!.notices.next('member.replaced');

    const second = await cluster.join({ name: 'a' });

    expect((await told).by).to.equal(second.id);
    const { nodes } = await second.api.cluster();
    expect(nodes.map(({ name, state }) => `${name} ${state}`)).to.have.members(['a down', 'a up']);
  });

  it('are handed over by a node that stops, whose running task ends and counts', async () => {
    const door = gate();
    const began = gate();
    let runs = 0;
    const slow = workflow('slow')
      .task('work', {
        run: async () => {
          runs += 1;
          began.open();
          await door.pass();
          return { done: true };
        },
      })
      .build();
    await using cluster = await startCluster({ definitions: [slow] });
    const [first] = cluster.nodes;
    const { id } = await cluster.api.start({ name: 'slow', input: {} });
    await began.pass();
    const second = await cluster.join({ name: 'second', definitions: [] });

    const stopped = first?.stop({ graceMs: 10_000 });
    while (second.load().shards < 16) await second.notices.next('shards.claimed');
    door.open();
    await stopped;

    const { workflow: view } = await second.api.result(id, 10_000);
    expect(view.state).to.equal('completed');
    expect(runs).to.equal(1);
  });

  it('of a node that stops are claimed at once, long before its silence could be noticed', async () => {
    await using cluster = await startCluster({ nodes: 2, definitions: [quick] });
    const [first, second] = cluster.nodes;

    const stoppedAt = performance.now();
    const taken = second?.notices.next('shards.claimed');
    await Promise.all([first?.stop({ graceMs: 100 }), taken]);

    expect(performance.now() - stoppedAt).to.be.below(3_000);
    expect(second?.load().shards).to.equal(16);
  });

  it('leave a task that does not end in time to be run again elsewhere', async () => {
    const began = gate();
    const nodes: string[] = [];
    const endless = workflow('endless')
      .task('work', {
        run: async (_input, { node }) => {
          nodes.push(node);
          began.open();
          if (nodes.length === 1) await new Promise(() => undefined);
          return { by: node };
        },
      })
      .build();
    await using cluster = await startCluster({ definitions: [endless] });
    const { id } = await cluster.api.start({ name: 'endless', input: {} });
    await began.pass();
    const second = await cluster.join({ name: 'second' });

    await cluster.nodes[0]?.stop({ graceMs: 100 });
    const { workflow: view, tasks } = await second.api.result(id, 20_000);

    expect(view.state).to.equal('completed');
    expect(nodes).to.deep.equal(['a', 'second']);
    expect(tasks[0]?.attempt).to.equal(1);
  });

  it('keep the version that a workflow started with while a newer one is registered', async () => {
    const door = gate();
    const one = workflow('moving')
      .task('first', {
        run: async () => {
          await door.pass();
          return { version: 'one' };
        },
      })
      .task('last', { needs: ['first'], run: () => ({ last: 1 }) })
      .build();
    const two = workflow('moving')
      .task('first', { run: () => ({ version: 'two' }) })
      .build();
    await using cluster = await startCluster({ definitions: [one] });
    const { id } = await cluster.api.start({ name: 'moving', input: {} });

    const newer = await cluster.join({ name: 'newer', definitions: [two], engine: false });
    const other = await newer.api.start({ name: 'moving', input: {} });
    const running = await newer.api.workflow(id);
    const drawn = await newer.api.definition('moving', running.workflow.version);
    const newest = await newer.api.definition('moving');
    door.open();
    const [old, young] = await Promise.all(
      [id, other.id].map(async (each) => await newer.api.result(each, 10_000)),
    );

    // The node that has only the new code can draw the old one, too.
    for (const graph of [running.graph, drawn]) {
      expect(graph.version).to.equal(running.workflow.version);
      expect(graph.steps.map(({ name }) => name)).to.deep.equal(['first', 'last']);
    }
    expect(newest.steps.map(({ name }) => name)).to.deep.equal(['first']);
    expect(old?.workflow.output).to.include({ version: 'one', last: 1 });
    expect(old?.tasks.map(({ step }) => step)).to.deep.equal(['first', 'last']);
    expect(old?.workflow.version).not.to.equal(young?.workflow.version);
    expect(young?.tasks.map(({ step }) => step)).to.deep.equal(['first']);
  });
});
