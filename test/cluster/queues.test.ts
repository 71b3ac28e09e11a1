import { expect } from 'chai';

import type { Node } from '#cluster/node.ts';
import { RedisLink } from '#cluster/redis/connection.ts';
import { TaskQueues } from '#cluster/redis/task-queues.ts';
import { task, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { until } from '../support/until.ts';

const order: string[] = [];
const held = gate();
const aborted = gate();
let telling = gate();
let begun: ((step: string) => void) | null = null;

/** What only the second node has code for. */
const far = [
  task('note', {
    run: (input: { mark?: string }, { step }) => {
      order.push(step);
      return { [`by ${step}`]: input.mark ?? 'nobody' };
    },
  }),
  task('hold', {
    run: async (_input: object, { step, signal }) => {
      begun?.(step);
      signal.addEventListener('abort', () => aborted.open());
      await Promise.race([held.pass(), aborted.pass()]);
      return {};
    },
  }),
  task('tell', {
    run: async (_input: object, context) => {
      context.log.info('from afar');
      context.heartbeat({ at: 7 });
      context.progress(0.5, 'half way');
      await telling.pass();
      if (context.attempt === 1) throw new Error('once');
      return { from: context.heartbeatDetails };
    },
  }),
];

const notes = workflow('notes').task('one', { uses: 'note' }).build();
const holds = workflow('holds').task('hold', { uses: 'hold' }).build();
const tells = workflow('tells')
  .task('tell', { uses: 'tell', retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 } })
  .build();
const ranked = workflow('ranked')
  .task('last', { uses: 'note', priority: 5 })
  .task('middle', { uses: 'note', priority: 3 })
  .task('first', { uses: 'note', priority: 1 })
  .build();
const poison = workflow('poison').task('take', { uses: 'taken_and_dropped' }).build();
const definitions = [notes, holds, tells, ranked, poison];

describe('work that its owner has no code for', function () {
  this.timeout(40_000);
  let cluster: TestCluster;
  let worker: Node;
  before(async () => {
    // One owner of all shards, and one that has the code and owns nothing.
    cluster = await startCluster({ definitions });
    worker = await cluster.join({ name: 'worker', engine: false, definitions: far });
  });
  after(async () => {
    held.open();
    telling.open();
    await cluster[Symbol.asyncDispose]();
  });

  it('goes through the queue of its type to a node that has', async () => {
    const { id } = await cluster.api.start({ name: 'notes', input: { mark: 'seen' } });
    const { workflow: view, tasks } = await cluster.api.result(id, 10_000);

    expect(view.output).to.include({ 'by one': 'seen' });
    expect(tasks[0]?.worker_id).to.match(/^worker/);
  });

  it('is taken in the order of its priorities when it waits together', async () => {
    order.length = 0;
    await worker.setWorker(false);
    const { id } = await cluster.api.start({ name: 'ranked', input: {} });
    await queued(cluster, 'note', 3);

    await worker.setWorker(true);
    await cluster.api.result(id, 10_000);
    expect(order).to.deep.equal(['first', 'middle', 'last']);
  });

  it('tells its owner of progress and log lines, and of heartbeats whose details the next attempt gets', async () => {
    telling = gate();
    const { id } = await cluster.api.start({ name: 'tells', input: {} });
    const heard = new Promise<void>((resolve) => {
      const off = cluster.api.live.watchWorkflow(id, ({ logs }) => {
        if (!logs.some(({ message }) => message === 'from afar')) return;
        off();
        resolve();
      });
    });
    await heard;
    await until(async () => (await cluster.api.workflow(id)).tasks[0]?.progress?.fraction === 0.5);
    const { tasks } = await cluster.api.workflow(id);
    telling.open();

    expect(tasks[0]).to.deep.include({
      state: 'running',
      progress: { fraction: 0.5, note: 'half way' },
    });
    const end = await cluster.api.result(id, 10_000);
    expect(end.workflow.output).to.deep.equal({ from: { at: 7 } });
    expect(end.tasks[0]?.attempt).to.equal(2);
  });

  it('never starts once it was canceled in the queue', async () => {
    await worker.setWorker(false);
    order.length = 0;
    const { id } = await cluster.api.start({ name: 'notes', input: {} });
    await queued(cluster, 'note', 1);

    await cluster.api.cancel(id);
    await queued(cluster, 'note', 0);
    await worker.setWorker(true);
    const other = await cluster.api.start({ name: 'notes', input: {} });
    await cluster.api.result(other.id, 10_000);

    expect(order).to.deep.equal(['one']);
    expect((await cluster.api.workflow(id)).tasks[0]?.state).to.equal('canceled');
  });

  it('is told to stop where it runs when it is canceled', async () => {
    const running = new Promise<string>((resolve) => (begun = resolve));
    const { id } = await cluster.api.start({ name: 'holds', input: {} });
    await running;

    await cluster.api.cancel(id);

    await aborted.pass();
    expect((await cluster.api.workflow(id)).workflow.state).to.equal('canceled');
  });

  it('is given up as poison when whoever takes it never finishes, and fails its workflow', async () => {
    await using rogue = await rogueWorker(cluster, 'taken_and_dropped');
    const { id } = await cluster.api.start({ name: 'poison', input: {} });
    const ended = cluster.api.result(id, 25_000);
    await rogue.takeTimes(5);
    await cluster.join({
      name: 'reaper',
      engine: false,
      definitions: [task('taken_and_dropped', { run: () => ({}) })],
    });

    const { workflow: view } = await ended;
    expect(view.state).to.equal('failed');
    expect(view.failure?.kind).to.equal('poisoned');
  });
});

describe('a node that is full', () => {
  it('leaves what comes more to others that have the code', async () => {
    const door = gate();
    const where = new Set<string>();
    const busy = workflow('busy')
      .task('work', {
        run: async (_input, { node }) => {
          where.add(node);
          await door.pass();
          return {};
        },
      })
      .build();
    await using cluster = await startCluster({ definitions: [busy], concurrency: 2 });
    await cluster.join({ name: 'helper', engine: false });
    await until(async () => (await cluster.api.cluster()).nodes.length === 2);

    const ids = await Promise.all(
      Array.from({ length: 12 }, async () => {
        return (await cluster.api.start({ name: 'busy', input: {} })).id;
      }),
    );
    await until(async () => where.size === 2);
    door.open();
    const ends = await Promise.all(ids.map(async (id) => await cluster.api.result(id, 20_000)));

    expect([...where].toSorted()).to.deep.equal(['a', 'helper']);
    for (const { workflow: view } of ends) expect(view.state).to.equal('completed');
  });
});

/** A node that takes work and dies with it, again and again. */
async function rogueWorker({ options }: TestCluster, queue: string) {
  const link = await RedisLink.connect(options.redis, options.redisPrefix);
  const queues = new TaskQueues(link, { firstLeaseMs: 1 });
  return {
    takeTimes: async (times: number): Promise<void> => {
      for (let taken = 0; taken < times;) {
        const { items } = await queues.claim(queue, `rogue-${taken}`, 1);
        taken += items.length;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    [Symbol.asyncDispose]: async () => await link.close(),
  };
}

/** Resolves when so many wait in the queue. */
async function queued({ options }: TestCluster, queue: string, count: number): Promise<void> {
  const link = await RedisLink.connect(options.redis, options.redisPrefix);
  try {
    const queues = new TaskQueues(link);
    await until(async () => (await queues.depth([queue])).get(queue)?.ready === count);
  } finally {
    await link.close();
  }
}
