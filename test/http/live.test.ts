import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import { io, type Socket } from 'socket.io-client';

import type { ClusterApi } from '#cluster/api.ts';
import { namespace, type Subscribed, type TopicData } from '#http/live-protocol.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, request, type TestDoors } from '../support/doors.ts';
import { withFeed } from '../support/feeds.ts';
import { type Gate, gate } from '../support/held.ts';
import { LivePage as Page } from '../support/live-page.ts';

describe('the live feed', () => {
  let cluster: TestCluster;
  let doors: TestDoors;
  let first: Gate;
  let second: Gate;

  beforeEach(async () => {
    first = gate();
    second = gate();
    cluster = await startCluster({ nodes: 2, definitions: definitions(first, second) });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
  });

  afterEach(async () => {
    first.open();
    second.open();
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const start = async (name: string, id: string, input = {}): Promise<void> => {
    const { status } = await request(doors.url, 'POST', '/api/v1/workflows', {
      body: { name, id, input },
    });
    expect(status).to.equal(201);
  };
  const result = async (id: string): Promise<void> => {
    await request(doors.url, 'GET', `/api/v1/workflows/${id}/result?wait=20s`);
  };

  for (const node of [0, 1]) {
    it(`shows each step of a workflow as it goes, on node ${node === 0 ? 'a' : 'b'}`, async () => {
      await start('two-steps', 'w', { n: 1 });
      await using page = await Page.open(doors.doors[node]?.url ?? '');
      await page.watch('workflow:w');
      await page.until(states('running', 'pending'));
      first.open();
      await page.until(states('completed', 'running'));
      second.open();
      await page.until((data) => data.kind === 'workflow' && data.workflow.state === 'completed');
      // A line may come before or after the event that it stands beside.
      await page.until((data) => data.kind === 'workflow' && data.logs.length === 1);

      const { data } = page;
      if (data?.kind !== 'workflow') throw new Error('it is no workflow');
      expect(data.workflow.output).to.deep.include({
        text: '{"n":1,"one":1,"two":2}',
        whole: true,
      });
      expect(data.logs[0]).to.include({ message: 'half way', step: 0 });
      expect(page.gaps).to.equal(0);
      await using fresh = await Page.open(doors.url);
      await fresh.watch('workflow:w');
      expect(data).to.deep.equal(fresh.data);
    });
  }

  it('shows new workflows and counts in the list', async () => {
    await using page = await Page.open(doors.doors[1]?.url ?? '');
    await page.watch('workflows');
    expect(page.data).to.deep.include({ kind: 'list', rows: [] });
    first.open();
    second.open();
    await start('two-steps', 'w1');
    await start('two-steps', 'w2');
    await page.until(
      (data) =>
        data.kind === 'list' && data.rows.filter(({ state }) => state === 'completed').length === 2,
    );
    await page.until((data) => data.kind === 'list' && data.counts.completed === 2);
  });

  it('sends a watcher that does not answer four frames, and then one with all that it missed', async () => {
    await using page = await Page.open(doors.url);
    await page.watch('workflows');
    page.answers = false;
    first.open();
    second.open();
    for (let n = 0; n < 60; n += 1) await start('two-steps', `w${n}`);
    for (let n = 0; n < 60; n += 1) await result(`w${n}`);
    await using other = await Page.open(doors.url);
    await other.watch('workflows');
    await other.until((data) => data.kind === 'list' && data.counts.completed === 60);

    expect(page.frames).to.equal(4);
    page.answerAll();
    await page.until((data) => data.kind === 'list' && data.counts.completed === 60);

    expect(page.frames).to.be.at.most(6);
    expect(page.data).to.deep.equal(other.data);
    expect(page.gaps).to.equal(0);
  });

  it('resumes from a version with what is new, and with the whole when the epoch is another', async () => {
    await start('two-steps', 'w');
    await using page = await Page.open(doors.url);
    const began = await page.watch('workflow:w');
    await page.until(states('running', 'pending'));
    const at = { epoch: page.epoch, ver: page.ver };
    expect(began).to.include({ ok: true, mode: 'snapshot' });
    first.open();
    second.open();
    await result('w');
    await page.until((data) => data.kind === 'workflow' && data.workflow.state === 'completed');

    await using back = await Page.open(doors.url);
    const resumed = await back.ask('workflow:w', at);
    const strange = await back.ask('workflow:w', { epoch: 'other', ver: at.ver });

    expect(resumed).to.include({ ok: true, mode: 'delta', from: at.ver });
    expect(strange).to.include({ ok: true, mode: 'snapshot' });
  });

  it('watches a topic once however many sockets want it, and stops when none does', async () => {
    await start('two-steps', 'w');
    const counted = countingApi(cluster.api);
    await using door = await openDoors([counted.api]);
    await using one = await Page.open(door.url);
    await using two = await Page.open(door.url);
    await Promise.all([one.watch('workflow:w'), two.watch('workflow:w')]);
    expect(counted.watches).to.deep.equal({ begun: 1, stopped: 0 });

    first.open();
    await one.until(states('completed', 'running'));
    await two.until(states('completed', 'running'));
    await door[Symbol.asyncDispose]();
    expect(counted.watches).to.deep.equal({ begun: 1, stopped: 1 });
  });

  it('reads again when it missed a change', async () => {
    await start('two-steps', 'w');
    const lossy = lossyApi(cluster.api);
    await using door = await openDoors([lossy.api]);
    await using page = await Page.open(door.url);
    await page.watch('workflow:w');
    await page.until(states('running', 'pending'));
    lossy.loseNext();
    first.open();
    // Whatever was lost comes with what is read when the next change shows the gap.
    second.open();
    await page.until((data) => data.kind === 'workflow' && data.workflow.state === 'completed');
    expect(lossy.lost).to.equal(1);
    await page.until((data) => data.kind === 'workflow' && data.logs.length === 1);
    await using fresh = await Page.open(doors.url);
    await fresh.watch('workflow:w');
    expect(page.data).to.deep.equal(fresh.data);
  });

  it('notices the loss of a change that nothing follows, after it has settled', async () => {
    await start('two-steps', 'w');
    const lossy = lossyApi(cluster.api);
    await using door = await openDoors([lossy.api]);
    await using page = await Page.open(door.url);
    await page.watch('workflow:w');
    await page.until(states('running', 'pending'));
    // The log lines are read once more when nothing has happened for a while; then the owner alone is asked.
    while (lossy.logReads < 2) await sleep(20);
    lossy.loseAll();
    first.open();
    await page.until(states('completed', 'running'));

    expect(lossy.lost).to.be.at.least(1);
  });

  it('finds rows that were lost on their way, though all that it shows have ended', async () => {
    first.open();
    second.open();
    await start('two-steps', 'ended');
    await result('ended');
    const lossy = lossyRows(cluster.api);
    await using door = await openDoors([lossy.api]);
    await using page = await Page.open(door.url);
    await page.watch('workflows');
    await page.until((data) => data.kind === 'list' && data.rows[0]?.state === 'completed');
    lossy.losing = true;
    await start('two-steps', 'lost');
    await result('lost');
    lossy.losing = false;

    // As the feed says when it sees a gap in the numbers of a node's messages.
    lossy.missed();
    await page.until((data) => data.kind === 'list' && data.counts.completed === 2);
    await page.until(
      (data) => data.kind === 'list' && data.rows.every(({ state }) => state === 'completed'),
    );
    expect(page.data?.kind === 'list' && page.data.rows.map(({ id }) => id)).to.deep.equal([
      'lost',
      'ended',
    ]);
  });

  it('shows the beginning of a large value, and its size', async () => {
    await start('two-steps', 'w', { text: 'x'.repeat(500_000) });
    await using page = await Page.open(doors.url);
    await page.watch('workflow:w');
    if (page.data?.kind !== 'workflow') throw new Error('it is no workflow');
    expect(page.data.input).to.include({ whole: false, length: 500_011 });
    expect(page.data.input.text).to.have.length(2_048);
  });

  it('refuses what is no topic, what does not exist, and more than 32 topics', async () => {
    await using page = await Page.open(doors.url);
    expect(problem(await page.ask('nonsense'))).to.include({ status: 400 });
    expect(problem(await page.ask('workflow:<b>'))).to.include({ status: 400 });
    expect(problem(await page.ask('workflow:nope'))).to.include({ status: 404 });
    for (let n = 0; n < 32; n += 1) {
      await start('two-steps', `t${n}`);
      expect(await page.ask(`workflow:t${n}`)).to.include({ ok: true });
    }
    expect(problem(await page.ask('workflows'))).to.include({ code: 'TOO_MANY_TOPICS' });
  });

  it('lets no page of another origin listen', async () => {
    const socket: Socket = io(doors.url + namespace, {
      transports: ['websocket'],
      reconnection: false,
      extraHeaders: { Origin: 'https://evil.example' },
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.once('connect', () => resolve('connected'));
    socket.once('connect_error', (error) => resolve(error.message));
    expect(await promise).to.equal('websocket error');
    socket.disconnect();
  });

  it('tells pages that the node leaves', async () => {
    await using page = await Page.open(doors.url);
    const told = page.leaving;
    await doors.doors[0]?.close();
    expect(await told).to.include({ in_ms: 0 });
  });
});

function definitions(first: Gate, second: Gate) {
  return [
    workflow('two-steps')
      .task('one', {
        run: async (_input, context) => {
          await first.pass();
          context.log.info('half way');
          return { one: 1 };
        },
      })
      .task('two', {
        needs: ['one'],
        run: async () => {
          await second.pass();
          return { two: 2 };
        },
      })
      .build(),
  ];
}

function states(...wanted: readonly string[]): (data: TopicData) => boolean {
  return (data) =>
    data.kind === 'workflow' && data.tasks.every(({ state }, index) => state === wanted[index]);
}

function problem(answer: Subscribed): { readonly status?: number; readonly code?: string } {
  return answer.ok ? {} : answer.problem;
}

/** Rows of lists travel through Redis, which may lose everything. */
function lossyRows(api: ClusterApi) {
  const lossy = {
    losing: false,
    missed: (): void => {
      throw new Error('nobody watches');
    },
    api: withFeed(api, {
      watchRows: (changed, missed) => {
        lossy.missed = missed;
        return api.live.watchRows((rows) => {
          if (!lossy.losing) changed(rows);
        }, missed);
      },
    }),
  };
  return lossy;
}

function countingApi(api: ClusterApi) {
  const watches = { begun: 0, stopped: 0 };
  const counting = withFeed(api, {
    watchWorkflow: (id, listener) => {
      watches.begun += 1;
      const stop = api.live.watchWorkflow(id, listener);
      return () => {
        watches.stopped += 1;
        stop();
      };
    },
  });
  return { api: counting, watches };
}

/** The network may lose any message between two nodes: here it is the next one, or all. */
function lossyApi(api: ClusterApi) {
  let losing = 0;
  const lossy = {
    lost: 0,
    logReads: 0,
    loseNext: () => {
      losing = 1;
    },
    loseAll: () => {
      losing = Infinity;
    },
    api: new Proxy(
      withFeed(api, {
        watchWorkflow: (id, listener) =>
          api.live.watchWorkflow(id, (change) => {
            if (losing > 0 && change.seq > change.fromSeq) {
              losing -= 1;
              lossy.lost += 1;
            } else {
              listener(change);
            }
          }),
      }),
      {
        get: (target, name) => {
          if (name === 'logs') lossy.logReads += 1;
          const value: unknown = Reflect.get(target, name, target);
          return value;
        },
      },
    ),
  };
  return lossy;
}
