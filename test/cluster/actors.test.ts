import { expect } from 'chai';

import { ClusterError } from '#cluster/api.ts';
import { actor } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { refusal } from '../support/rejection.ts';

let overlapping = 0;
let mostAtOnce = 0;

const counter = actor('counter', {
  state: { count: 0 },
  restart: { maxFailures: 2, within: '1m' },
  on: {
    add: async ({ count }, by: number) => {
      overlapping += 1;
      mostAtOnce = Math.max(mostAtOnce, overlapping);
      await new Promise((resolve) => setImmediate(resolve));
      overlapping -= 1;
      return { state: { count: count + by }, reply: count + by };
    },
    fail: () => {
      throw new Error('this message is bad');
    },
    read: ({ count }) => ({ reply: count }),
  },
});

const call = (on: string, payload: number | null = null) =>
  ({ name: 'counter', key: 'one', on, payload }) as const;

describe("an actor of the user's own on a cluster", function () {
  this.timeout(40_000);

  it('takes tells and asks of all nodes one at a time, each once', async () => {
    await using cluster = await startCluster({ nodes: 2, definitions: [counter] });
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const api = cluster.apis[index % 2];
        if (index % 4 === 0) await api?.ask(call('add', 1));
        else
          await api?.tell({ ...call('add', 1), id: `tell-${Math.floor(index / 8)}-${index % 4}` });
      }),
    );

    // 10 asks, and of the 30 tells those of the same id count once.
    expect(await cluster.api.ask(call('read'))).to.equal(10 + 15);
    expect(mostAtOnce).to.equal(1);
  });

  it('keeps its state when its owner leaves, and over a restart of all', async () => {
    await using cluster = await startCluster({ nodes: 2, definitions: [counter] });
    const [first, second] = cluster.nodes;
    await cluster.api.ask(call('add', 5));

    await first?.stop({ graceMs: 1_000 });
    expect(await second?.api.ask(call('add', 5))).to.equal(10);
    await second?.stop({ graceMs: 1_000 });
    const third = await cluster.join({ name: 'third' });

    expect(await third.api.ask(call('read'))).to.equal(10);
  });

  it('answers a bad message with its error, goes into quarantine when there are too many, and comes out when told', async () => {
    await using cluster = await startCluster({ definitions: [counter] });
    await cluster.api.ask(call('add', 3));
    const codes: string[] = [];
    for (let bad = 0; bad < 4; bad += 1) codes.push(await codeOf(cluster.api.ask(call('fail'))));
    codes.push(await codeOf(cluster.api.ask(call('read'))));

    expect(codes).to.deep.equal([
      'ACTOR_FAILED',
      'ACTOR_FAILED',
      'ACTOR_FAILED',
      'ACTOR_QUARANTINED',
      'ACTOR_QUARANTINED',
    ]);
    await cluster.api.resumeActor('counter', 'one');
    expect(await cluster.api.ask(call('read'))).to.equal(3);
  });

  it('without its code keeps what it is told until a node comes that has it, and says so to who asks', async () => {
    await using cluster = await startCluster();
    await cluster.api.tell(call('add', 4));

    const late = await refusal(cluster.api.ask({ ...call('read'), timeoutMs: 300 }));
    await cluster.join({ definitions: [counter] });

    expect(late).to.include({ code: 'UNAVAILABLE' });
    expect(late.message).to.match(/^no node has the code of actor "counter"/);
    expect(await cluster.api.ask(call('read'))).to.equal(4);
  });
});

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof ClusterError) return error.code;
    throw error;
  }
  return 'none';
}
