import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { ClusterApi } from '#cluster/api.ts';
import { OverviewSource } from '#http/live-overview.ts';
import { apply, merge } from '#http/live-picture.ts';
import type { Operation, OverviewData, WorkflowRow } from '#http/live-protocol.ts';
import { NonRetryableError, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { ownersKnown } from '../support/doors.ts';
import { type Gate, gate } from '../support/held.ts';

describe('the overview as a topic', () => {
  let cluster: TestCluster;
  let held: Gate;

  beforeEach(async () => {
    held = gate();
    cluster = await startCluster({ nodes: 2, definitions: definitions(held) });
    await ownersKnown(cluster.apis);
  });

  afterEach(async () => {
    held.open();
    await cluster[Symbol.asyncDispose]();
  });

  it('shows what starts, runs, ends and fails, on whichever node', async () => {
    const [, other] = cluster.apis;
    if (other === undefined) throw new Error('there is no second node');
    const overview = new Overview(other);
    await overview.until(({ recent, nodes }) => recent.length === 0 && nodes.length === 2);
    await cluster.api.start({ name: 'held', id: 'w', input: {} });
    await overview.until(({ oldest, counts }) => oldest?.id === 'w' && counts.running === 1);
    await cluster.api.start({ name: 'fails', id: 'bad', input: {} });
    await overview.until(({ failures }) => failures[0]?.error === 'broken on purpose');
    held.open();
    const data = await overview.until(
      ({ counts, oldest, minutes }) =>
        counts.completed === 1 &&
        counts.failed === 1 &&
        oldest === null &&
        minutes.some(({ failed }) => failed === 1) &&
        minutes.reduce((sum, { started }) => sum + started, 0) === 2,
    );
    expect(data.recent.map(({ id, state }) => `${id} ${state}`)).to.have.members([
      'w completed',
      'bad failed',
    ]);
    overview.close();
  });

  it('asks nothing of the store once it has been quiet for a while', async () => {
    let asked = 0;
    const overview = new Overview(counting(cluster.api, () => (asked += 1)));
    await overview.until(({ nodes }) => nodes.length === 2);
    const quietForMs = 2_500;
    let before = -1;
    // Reads come every two seconds, and end; the claim is that they end.
    while (before !== asked) {
      before = asked;
      await sleep(quietForMs);
    }
    await cluster.api.start({ name: 'held', id: 'wakes', input: {} });
    await overview.until(({ counts }) => counts.running === 1);
    expect(asked).to.be.above(before);
    overview.close();
  });

  it('forgets a failure that was retried although nobody told of it', () => {
    const data: OverviewData = {
      ...empty,
      failures: [row('x', 3, 'failed'), row('y', 3, 'failed')],
    };
    const after = apply(data, [{ op: 'failures', ids: ['y'] }]);
    expect(after.kind === 'overview' && after.failures.map(({ id }) => id)).to.deep.equal(['y']);
  });

  it('comes out the same when operations are merged', () => {
    const ops: readonly Operation[] = [
      { op: 'row', row: row('x', 1, 'running') },
      { op: 'minute', minute: minute('12:00', 1) },
      { op: 'failures', ids: ['x'] },
      { op: 'row', row: row('x', 5, 'failed') },
      { op: 'minute', minute: minute('12:01', 1) },
      { op: 'oldest', row: row('x', 1, 'running') },
      { op: 'minute', minute: minute('12:00', 2) },
      { op: 'oldest', row: null },
      { op: 'row', row: row('x', 4, 'running') },
      { op: 'row', row: row('x', 5, 'failed') },
    ];
    expect(apply(empty, merge(ops))).to.deep.equal(apply(empty, ops));
  });
});

/** An overview that is looked at, and waited for. */
class Overview {
  readonly #source: OverviewSource;
  #changed = Promise.withResolvers<void>();

  constructor(cluster: ClusterApi) {
    this.#source = new OverviewSource({
      cluster,
      changed: () => {
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      },
      failed: (error) => {
        throw error;
      },
    });
  }

  async until(condition: (data: OverviewData) => boolean): Promise<OverviewData> {
    const state = await this.#source.opened;
    for (;;) {
      const { data } = state;
      if (data.kind === 'overview' && condition(data)) return data;
      await this.#changed.promise;
    }
  }

  close(): void {
    this.#source.close();
  }
}

/** The same node, with every question that goes to the store counted. */
function counting(api: ClusterApi, ask: () => void): ClusterApi {
  return new Proxy(api, {
    get: (target, name: keyof ClusterApi) => {
      const found = target[name];
      if (typeof found !== 'function') return found;
      if (name !== 'cluster') ask();
      return found.bind(target);
    },
  });
}

const empty: OverviewData = {
  kind: 'overview',
  counts: { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 },
  minutes: [],
  recent: [],
  failures: [],
  oldest: null,
  nodes: [],
};

function row(id: string, seq: number, state: WorkflowRow['state']): WorkflowRow {
  const created_at = '2026-03-05T12:00:00.000Z';
  return { id, name: 'x', version: 'v', tags: {}, state, seq, created_at, task_states: {} };
}

function minute(time: string, started: number) {
  return { at: `2026-03-05T${time}:00.000Z`, started, completed: 0, failed: 0, canceled: 0 };
}

function definitions(held: Gate) {
  return [
    workflow('held')
      .task('waits', {
        run: async () => {
          await held.pass();
          return {};
        },
      })
      .build(),
    workflow('fails')
      .task('breaks', {
        run: () => {
          throw new NonRetryableError('broken on purpose');
        },
      })
      .build(),
  ];
}
