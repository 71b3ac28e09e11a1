import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import type { NodeView } from '#cluster/api.ts';
import { readMemberInfo } from '#cluster/members/member.ts';
import type { Node } from '#cluster/node.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { refusal } from '../support/rejection.ts';
import { until } from '../support/until.ts';

let door = gate();

const held = workflow('held')
  .task('hold', {
    run: async (_input, { node }) => {
      await door.pass();
      return { held: node };
    },
  })
  .task('after', { needs: ['hold'], run: (_input, { node }) => ({ after: node }) })
  .build();

describe('a node that is drained by an operator', function () {
  this.timeout(40_000);
  let cluster: TestCluster;
  let [first, second]: readonly Node[] = [];

  before(async () => {
    cluster = await startCluster({ nodes: 2, definitions: [held] });
    [first, second] = cluster.nodes;
  });

  beforeEach(() => {
    door = gate();
  });

  afterEach(async () => {
    door.open();
    for (const name of ['a', 'b']) await second?.api.drain(name, false);
    await until(async () => cluster.nodes.every((node) => node.load().shards > 0));
  });

  after(async () => await cluster[Symbol.asyncDispose]());

  it('hands its shards over and takes no new work; what runs goes on, its door answers; undrained it takes part again', async () => {
    const ids = await Promise.all(
      Array.from(
        { length: 12 },
        async () => (await cluster.api.start({ name: 'held', input: {} })).id,
      ),
    );
    await until(async () => (await runningOn('a')) + (await runningOn('b')) === ids.length);
    const onA = await runningOn('a');

    await second?.api.drain('a', true);
    await until(async () => first?.load().shards === 0 && second?.load().shards === 16);
    const drained = await viewOf('a');
    const notReady = await refusal(first?.api.ready());
    const late = await first?.api.start({ name: 'held', input: {} });
    door.open();
    const ends = await Promise.all(
      [...ids, late?.id ?? ''].map(async (id) => await first?.api.result(id, 10_000)),
    );
    await first?.api.drain('a', false);
    await until(async () => (first?.load().shards ?? 0) > 0);
    await until(async () => (await viewOf('a'))?.draining === false);
    const back = await viewOf('a');

    expect(onA).to.be.above(0);
    expect(drained).to.include({ state: 'draining', draining: true, shards: 0 });
    expect(drained?.offers).to.deep.equal([]);
    expect(notReady).to.include({ code: 'DRAINING' });
    expect(notReady.message).to.match(/undrain it/);
    const outputs = ends.map((end) => end?.workflow.output ?? {});
    expect(outputs.filter((output) => output['held'] === 'a')).to.have.length(onA);
    expect(new Set(outputs.map((output) => output['after']))).to.deep.equal(new Set(['b']));
    expect(outputs.at(-1)).to.include({ held: 'b' });
    expect(back).to.include({ state: 'up', draining: false });
    expect(back?.offers).to.include('held/hold');
    await first?.api.ready();
  });

  it('stays as it is when it is drained again, and when its engine and worker are started', async () => {
    await first?.api.drain('a', true);
    await second?.api.drain('a', true);
    await first?.setEngine(true);
    await first?.setWorker(true);
    await until(async () => second?.load().shards === 16);
    const view = await viewOf('a');

    await second?.api.drain('a', false);
    await second?.api.drain('a', false);
    await until(async () => (first?.load().shards ?? 0) > 0);

    expect(view).to.include({ draining: true });
    expect(view?.offers).to.deep.equal([]);
  });

  it('has to leave another one that takes shards, also when two are drained at once', async () => {
    const answers = await Promise.allSettled([
      first?.api.drain('a', true),
      first?.api.drain('b', true),
    ]);
    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(refused, 'of the two').to.have.length.of.at.least(1);
    for (const { reason } of refused) expect(reason).to.include({ code: 'LAST_NODE' });

    for (const name of ['a', 'b']) await second?.api.drain(name, true).catch(() => undefined);
    const { nodes } = (await second?.api.cluster()) ?? {};
    expect(nodes?.filter(({ draining }) => draining)).to.have.length(1);
    const [left] = nodes?.filter(({ draining }) => !draining) ?? [];
    const last = await refusal(first?.api.drain(left?.name ?? '', true));
    expect(last).to.include({ code: 'LAST_NODE' });
    await until(async () => cluster.nodes.some((node) => node.load().shards === 16));
  });

  it('is named; a name that no node has is refused, and so is the death of one outside of development', async () => {
    const missing = await refusal(first?.api.drain('nobody', true));
    const alive = await refusal(first?.api.kill('b'));

    expect(missing).to.include({
      code: 'NODE_NOT_FOUND',
      message: 'no node named "nobody" is in the cluster; there are a, b',
    });
    expect(alive).to.include({ code: 'NOT_FOUND' });
    expect((await viewOf('b'))?.state).to.equal('up');
  });

  async function viewOf(name: string): Promise<NodeView | undefined> {
    return (await second?.api.cluster())?.nodes.find((node) => node.name === name);
  }

  async function runningOn(name: string): Promise<number> {
    return cluster.nodes.find((node) => node.name === name)?.load().running ?? 0;
  }
});

describe('the view of a node', function () {
  this.timeout(40_000);

  it('has its version, how busy it is, and how long ago it was seen, on every node', async () => {
    door = gate();
    const modules = [new URL('../support/modules/resuming.ts', import.meta.url).href];
    await using cluster = await startCluster({ nodes: 2, definitions: [held], modules });
    const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    const { version }: { version: string } = JSON.parse(manifest);
    await Promise.all(
      Array.from({ length: 8 }, async () => await cluster.api.start({ name: 'held', input: {} })),
    );

    for (const api of cluster.apis) {
      await until(async () => {
        const { nodes } = await api.cluster();
        const total = (figure: 'running' | 'actors'): number =>
          nodes.reduce((sum, { load }) => sum + load[figure], 0);
        return total('running') === 8 && total('actors') === 8;
      });
      for (const { load, ...node } of (await api.cluster()).nodes) {
        expect(node.version).to.equal(version);
        expect(node.heartbeat_age_ms).to.be.within(0, 4_000);
        expect(load.threads).to.be.above(0);
        expect(load.rss_bytes).to.be.above(10_000_000);
        expect(load.utilization).to.be.within(0, 1);
      }
    }
    door.open();
  });
});

describe('what a node tells of itself', () => {
  const told = {
    name: 'a',
    incarnation: '1',
    url: 'http://a',
    version: '1.0.0',
    offers: ['mail'],
    draining: true,
    takesShards: true,
    shards: 3,
    load: { running: 1, actors: 2, threads: 3, utilization: 0.5, rssBytes: 4 },
    startedAt: 5,
  };

  it('is read as it was told, as text or as data', () => {
    expect(readMemberInfo(JSON.stringify(told))).to.deep.equal(told);
    expect(readMemberInfo(told)).to.deep.equal(told);
  });

  it('may lack what an older program does not tell, and be of another kind than it should', () => {
    expect(
      readMemberInfo({ name: 'a', incarnation: '1', offers: [7, 'mail'], shards: 'many' }),
    ).to.deep.equal({
      ...told,
      url: null,
      version: 'unknown',
      draining: false,
      takesShards: false,
      shards: 0,
      load: { running: 0, actors: 0, threads: 0, utilization: 0, rssBytes: 0 },
      startedAt: 0,
    });
  });

  it('is nothing when it does not say who it is', () => {
    for (const other of ['', '{', 'null', '7', '{"name":"a"}', null, undefined, []]) {
      expect(readMemberInfo(other), JSON.stringify(other)).to.equal(null);
    }
  });
});
