import { expect } from 'chai';

import type { ClusterApi, NodeView } from '#cluster/api.ts';
import { nodeCards } from '#http/cards.ts';
import { ClusterSource } from '#http/live-cluster.ts';
import { apply, merge } from '#http/live-picture.ts';
import type { ClusterData, NodeCard, Operation } from '#http/live-protocol.ts';
import type { TopicState } from '#http/live-topic.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { ownersKnown } from '../support/doors.ts';

describe('the cluster as a topic', () => {
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await ownersKnown(cluster.apis);
  });

  after(async () => await cluster[Symbol.asyncDispose]());

  it('follows who has which shard, and asks for nothing that is not in memory', async () => {
    const asked = new Set<string>();
    let changed = Promise.withResolvers<void>();
    const source = new ClusterSource({
      cluster: noting(cluster.api, asked),
      changed: () => {
        changed.resolve();
        changed = Promise.withResolvers();
      },
      failed: (error) => {
        throw error;
      },
    });
    const state = await source.opened;
    const until = async (condition: (data: ClusterData) => boolean): Promise<void> => {
      while (!condition(clusterOf(state))) await changed.promise;
    };
    await until(({ owners, shards }) => owners.of.filter((owner) => owner >= 0).length === shards);
    expect(clusterOf(state).nodes.map(({ name }) => name)).to.deep.equal(['a', 'b']);
    expect(clusterOf(state).owners.names).to.deep.equal(['a', 'b']);

    await cluster.api.drain('b', true);
    await until(({ owners }) => owners.of.every((owner) => owners.names[owner] === 'a'));
    await until(({ nodes }) => nodes[1]?.state === 'draining');
    await cluster.api.drain('b', false);
    await until(({ owners }) => owners.names.includes('b'));
    source.close();
    expect([...asked]).to.have.members(['cluster', 'shardOwners']);
  });

  it('comes out the same when operations are merged', () => {
    const empty: ClusterData = {
      kind: 'cluster',
      node: 'a',
      shards: 2,
      nodes: [],
      owners: { names: [], of: [-1, -1] },
    };
    const ops: readonly Operation[] = [
      { op: 'node', node: card('b', 1) },
      { op: 'node', node: card('a', 1) },
      { op: 'owners', owners: { names: ['a'], of: [0, 0] } },
      { op: 'gone', name: 'b' },
      { op: 'node', node: card('b', 2) },
      { op: 'gone', name: 'a' },
      { op: 'owners', owners: { names: ['b'], of: [0, 0] } },
    ];
    const after = apply(empty, ops);
    expect(apply(empty, merge(ops))).to.deep.equal(after);
    expect(after.kind === 'cluster' && after.nodes).to.deep.equal([card('b', 2)]);
  });

  it('shows the newest of the nodes of a name, and rounds what is never the same twice', () => {
    const [shown, ...more] = nodeCards([view(1, 'down'), view(2, 'up')]);
    expect(more).to.deep.equal([]);
    expect(shown).to.include({ state: 'up', silent_ms: 0, utilization: 0.1 });
    expect(shown?.rss_bytes).to.equal(100 * 1024 * 1024);
    expect(nodeCards([{ ...view(1, 'suspect'), heartbeat_age_ms: 2_900 }])[0]?.silent_ms).to.equal(
      2_000,
    );
  });
});

function clusterOf({ data }: TopicState): ClusterData {
  if (data.kind !== 'cluster') throw new Error('it is no cluster');
  return data;
}

function noting(api: ClusterApi, asked: Set<string>): ClusterApi {
  return new Proxy(api, {
    get: (target, name: keyof ClusterApi) => {
      asked.add(name);
      const found = target[name];
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

function view(start: number, state: NodeView['state']): NodeView {
  return {
    name: 'a',
    state,
    draining: false,
    version: '1',
    url: null,
    shards: 1,
    offers: [],
    started_at: new Date(start * 1_000).toISOString(),
    heartbeat_age_ms: 700,
    load: {
      running: 1,
      actors: 2,
      threads: 3,
      utilization: 0.0953,
      rss_bytes: 100.9 * 1024 * 1024,
    },
  };
}

function card(name: string, running: number): NodeCard {
  return {
    name,
    state: 'up',
    version: '1',
    url: null,
    shards: 1,
    offers: [],
    started_at: '2026-03-05T12:00:00.000Z',
    silent_ms: 0,
    running,
    actors: 0,
    threads: 1,
    utilization: 0,
    rss_bytes: 0,
  };
}
