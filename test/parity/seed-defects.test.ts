import { expect } from 'chai';

import { ClusterError } from '#cluster/api.ts';
import { NonRetryableError, task, workflow, WorkflowBuilder } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';

/* What was wrong in the seed, by the numbers of its inventory; each must not come back. */

const modules = [new URL('../support/modules/hurtful.ts', import.meta.url).href];

let held = gate();
let aborted = gate();
let ran: string[] = [];
const keys: string[] = [];
let slow = 0;

const instant = (name: string) => workflow(name).task('only', { run: () => ({}) });

const chain = (() => {
  const builder = new WorkflowBuilder('instant_chain').addTask('link', (input) => input);
  for (let link = 0; link < 40; link += 1) {
    const step = builder.addStep('link', { as: `link${link}` });
    if (link > 0) step.dependsOn(`link${link - 1}`);
  }
  return builder.build();
})();

/** Two beside each other, twice, and a join, as the seed's own example; nothing in it takes any time. */
const parallel = workflow('parallel')
  .task('a', { run: () => ({ a: 1 }) })
  .task('b', { run: () => ({ b: 2 }) })
  .task('c', { needs: ['a', 'b'], run: ({ a, b }) => ({ c: a + b }) })
  .task('d', { needs: ['a', 'b'], run: ({ a, b }) => ({ d: a * b }) })
  .task('join', { needs: ['c', 'd'], run: ({ c, d }) => ({ sum: c + d }) })
  .build();

const slowRetry = workflow('slow_retry')
  .task('try', {
    retry: { maxRetries: 1, initialInterval: '10ms', jitter: 0 },
    run: async () => {
      slow += 1;
      await new Promise((resolve) => setTimeout(resolve, 1_050));
      if (slow === 1) throw new Error('first');
      return { tries: slow };
    },
  })
  .build();

const twoLevels = workflow('two_levels')
  .task('quick', { run: () => ran.push('quick') })
  .task('slow', {
    run: async () => {
      await held.pass();
      return ran.push('slow');
    },
  })
  .task('after_quick', {
    needs: ['quick'],
    run: () => {
      ran.push('after_quick');
      held.open();
      return {};
    },
  })
  .build();

const waits = workflow('waits')
  .task('wait', {
    run: async (_input, { signal }) => {
      signal.addEventListener('abort', () => aborted.open());
      await held.pass();
      return { waited: true };
    },
  })
  .task('then', { needs: ['wait'], run: () => ran.push('then') })
  .build();

const between = workflow('between')
  .task('first', { run: () => ({}) })
  .task('second', {
    needs: ['first'],
    run: async () => {
      await held.pass();
      return {};
    },
  })
  .build();

const sameType = workflow('same_type')
  .task('one', { uses: task('stamp', { run: (_input: object, { step }) => ({ [step]: step }) }) })
  .task('two', { uses: 'stamp', needs: ['one'] })
  .task('three', { uses: 'stamp', needs: ['two'] })
  .build();

const join = workflow('join')
  .task('left', { run: () => ({ answer: 'left' }) })
  .task('right', { run: () => ({ answer: 'right' }) })
  .task('join', {
    needs: ['left', 'right'],
    run: (_input, { outputs }) => ({ seen: [outputs.left, outputs.right] }),
  })
  .build();

const fails = workflow('fails')
  .task('break', {
    run: () => {
      throw new NonRetryableError('the reason is kept');
    },
  })
  .build();

const counts = workflow('counts')
  .task('context', {
    retry: { maxAttempts: 2, initialInterval: '1ms', jitter: 0 },
    run: (_input, { taskId, attempt, idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (attempt === 1) throw new Error('once');
      return { taskId, attempt };
    },
  })
  .build();

const allFalse = workflow('all_false')
  .task('never', { when: () => false, run: () => ran.push('never') })
  .build();

describe('the defects of the seed', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({
      nodes: 2,
      modules,
      definitions: [
        parallel,
        chain,
        slowRetry,
        twoLevels,
        waits,
        between,
        sameType,
        join,
        fails,
        counts,
        allFalse,
        instant('quick').build(),
      ],
    });
  });
  beforeEach(() => {
    held = gate();
    aborted = gate();
    ran = [];
  });
  after(async () => {
    held.open();
    await cluster[Symbol.asyncDispose]();
  });

  async function run(name: string, input = {}) {
    const { id } = await cluster.api.start({ name, input });
    return await cluster.api.result(id, 30_000);
  }

  /** Resolves when one of the nodes has begun a task of the workflow: any one, or the step of this number. */
  async function begun(id: string, step = ''): Promise<void> {
    await Promise.race(
      cluster.nodes.map(async (node) => {
        await node.notices.next('task.started', ({ key }) => key.startsWith(`${id}.${step}`));
      }),
    );
  }

  it('F1.1 steps that run beside each other complete, however soon they end, in 20 workflows at once', async () => {
    const ends = await Promise.all(Array.from({ length: 20 }, async () => await run('parallel')));
    for (const { workflow: view, tasks } of ends) {
      expect(view.state, view.error).to.equal('completed');
      expect(view.output).to.deep.equal({ a: 1, b: 2, c: 3, d: 2, sum: 5 });
      expect(new Set(tasks.map(({ state }) => state))).to.deep.equal(new Set(['completed']));
    }
  });

  it('F1.1b a long chain of instant tasks completes, every time', async () => {
    const ends = await Promise.all(
      Array.from({ length: 10 }, async () => await run('instant_chain')),
    );
    expect(new Set(ends.map((end) => end.workflow.state))).to.deep.equal(new Set(['completed']));
  });

  it('F1.2 a failed attempt that took longer than a second is retried before anything is final', async () => {
    const { workflow: view, tasks } = await run('slow_retry');
    expect(view.state).to.equal('completed');
    expect(tasks[0]).to.include({ retry_count: 1, max_retries: 1 });
  });

  it('F1.3 a handler that throws, or ends its thread, does not end the node', async () => {
    const ends = await Promise.all([run('throws'), run('exits')]);
    expect(ends.map((end) => end.workflow.state)).to.deep.equal(['completed', 'completed']);
  });

  // F1.4, a node killed in the middle of a task, is in test/faults/nodes.test.ts, which has processes to kill.

  it('F1.5 a restart resumes a running workflow, and declares nothing complete that is not', async () => {
    await using own = await startCluster({ definitions: [waits] });
    const { id } = await own.api.start({ name: 'waits', input: {} });
    await own.nodes[0]?.stop({ graceMs: 10 });
    const again = await own.join({ name: 'again' });

    expect((await again.api.workflow(id)).workflow.state).to.equal('running');
    held.open();
    const { tasks } = await again.api.result(id, 20_000);
    expect(tasks.map(({ state }) => state)).to.deep.equal(['completed', 'completed']);
  });

  it('F1.6 a workflow whose first step has ended is running for every node that is asked, and ends with its last step', async () => {
    const second = begun('between', '1');
    await cluster.api.start({ name: 'between', id: 'between', input: {} });
    await second;
    const seen = await Promise.all(cluster.apis.map(async (api) => await api.workflow('between')));
    held.open();
    const { workflow: view, tasks } = await cluster.api.result('between', 20_000);

    expect(seen.map((one) => one.workflow.state)).to.deep.equal(['running', 'running']);
    for (const one of seen) {
      const ended = one.tasks.map(({ state }) => state === 'completed');
      expect(ended).to.deep.equal([true, false]);
    }
    expect(view.state).to.equal('completed');
    expect(tasks.at(-1)?.completed_at).to.equal(view.ended_at);
  });

  it('F1.7 cancel tells the handler that runs, starts nothing more, and is final', async () => {
    const running = begun('cancel-me');
    await cluster.api.start({ name: 'waits', id: 'cancel-me', input: {} });
    await running;
    await cluster.apis[1]?.cancel('cancel-me');
    await aborted.pass();
    held.open();
    await run('quick');

    const { workflow: view, tasks } = await cluster.api.workflow('cancel-me');
    expect(view.state).to.equal('canceled');
    expect(tasks.map(({ state }) => state)).to.deep.equal(['canceled', 'canceled']);
    expect(ran).to.deep.equal([]);
  });

  it('F1.8 a node that stops lets its running task end, keeps the result, and does not wait longer', async () => {
    await using own = await startCluster({ definitions: [waits] });
    const started = own.nodes[0]?.notices.next('task.started');
    const { id } = await own.api.start({ name: 'waits', input: {} });
    await started;
    const other = await own.join({ name: 'other' });
    const since = performance.now();
    const stopped = own.nodes[0]?.stop({ graceMs: 20_000 });
    held.open();
    await stopped;

    expect(performance.now() - since).to.be.below(10_000);
    expect((await other.api.result(id, 20_000)).workflow.state).to.equal('completed');
    expect(ran).to.deep.equal(['then']);
  });

  it('F1.9 a task goes to a node that has its handler, whichever node owns the workflow', async () => {
    const apart = workflow('apart').task('far', { uses: 'far_away' }).build();
    await using own = await startCluster({ definitions: [apart] });
    await own.join({
      name: 'worker',
      definitions: [task('far_away', { run: (_input: object, { node }) => ({ node }) })],
    });
    const { id } = await own.api.start({ name: 'apart', input: {} });

    expect((await own.api.result(id, 20_000)).workflow.output).to.deep.equal({ node: 'worker' });
  });

  it('F1.10 cycles and unknown dependencies are refused, and a step whose condition is false is shown as skipped', async () => {
    const circle = new WorkflowBuilder('circle').addTask('a', () => ({})).addTask('b', () => ({}));
    circle.addStep('a').dependsOn('b');
    circle.addStep('b').dependsOn('a');
    const dangling = new WorkflowBuilder('dangling').addTask('a', () => ({}));
    dangling.addStep('a').dependsOn('nobody');

    expect(() => circle.build()).to.throw(/a.*b.*a|b.*a.*b/);
    expect(() => dangling.build()).to.throw(/nobody/);
    const { workflow: view, tasks } = await run('all_false');
    expect(view.state).to.equal('completed');
    expect(tasks.map(({ state }) => state)).to.deep.equal(['skipped']);
  });

  it('F1.11 one task type serves several steps of a workflow', async () => {
    const { workflow: view, tasks } = await run('same_type');
    expect(view.output).to.deep.equal({ one: 'one', two: 'two', three: 'three' });
    expect(tasks.map(({ type }) => type)).to.deep.equal(['stamp', 'stamp', 'stamp']);
  });

  it('F1.12 a join can tell which branch wrote what, and the merged output is in the order of the definition', async () => {
    const { workflow: view } = await run('join');
    expect(view.outputs['join']).to.deep.equal({ seen: [{ answer: 'left' }, { answer: 'right' }] });
    expect(view.output).to.include({ answer: 'right' });
  });

  it('F1.13 a step starts when its own dependencies are done, whatever else is running', async () => {
    const { workflow: view } = await run('two_levels');
    expect(view.state).to.equal('completed');
    expect(ran).to.deep.equal(['quick', 'after_quick', 'slow']);
  });

  // F1.14, a crash between a failed attempt and its retry, is in test/faults/nodes.test.ts.

  it('starts and cancels that race leave one consistent end, the same for every reader', async () => {
    held.open();
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { id } = await cluster.api.start({ name: 'waits', input: {} });
        return id;
      }),
    );
    await Promise.all(
      ids.map(async (id, index) => {
        await cluster.apis[index % 2]?.cancel(id).catch((error: unknown) => {
          if (!(error instanceof ClusterError && error.code === 'ALREADY_CLOSED')) throw error;
        });
      }),
    );
    for (const id of ids) {
      const [one, two] = await Promise.all(cluster.apis.map(async (api) => await api.workflow(id)));
      expect(one).to.deep.equal(two);
      expect(one?.workflow.state).to.be.oneOf(['completed', 'canceled']);
    }
  });

  // F1.15 is in test/faults/servers.test.ts, which takes the store away under load.

  // Its other half, samples that each replica submitted, is in test/dev/start.test.ts: three nodes boot, each sample runs once.
  it('F1.16 a workflow has one owner among the nodes, and any node can cancel it', async () => {
    const ids = await Promise.all(
      cluster.apis.map(async (api) => (await api.start({ name: 'waits', input: {} })).id),
    );
    const { nodes, shards } = await cluster.api.cluster();
    await Promise.all(
      ids.map(async (id, index) => await cluster.apis[(index + 1) % 2]?.cancel(id)),
    );
    const ends = await Promise.all(ids.map(async (id) => await cluster.api.workflow(id)));

    expect(nodes.reduce((sum, node) => sum + node.shards, 0)).to.equal(shards);
    expect(ends.map((end) => end.workflow.state)).to.deep.equal(['canceled', 'canceled']);
  });

  it('F1.17 the reason of a failure is stored with the workflow and with its task', async () => {
    const { workflow: view, tasks } = await run('fails');
    expect(view).to.include({ state: 'failed', error: 'the reason is kept' });
    expect(view.failure).to.include({ name: 'NonRetryableError', step: 'break' });
    expect(tasks[0]).to.include({ state: 'failed', error: 'the reason is kept' });
  });

  it('F1.18 a handler learns its task, its attempt and a key that is the same for all attempts', async () => {
    const { workflow: view, tasks } = await run('counts');
    expect(view.outputs['context']).to.include({ taskId: tasks[0]?.id, attempt: 2 });
    const [first = '', second] = keys;
    expect(keys).to.have.lengthOf(2);
    expect(second).to.equal(first);
    expect(first).to.include(view.id);
  });
});
