import { expect } from 'chai';

import { workflow, WorkflowBuilder } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';

const modules = [new URL('../support/modules/resuming.ts', import.meta.url).href];
const firstPair = [gate(), gate()];
const arrived: string[] = [];
let slowTries = 0;
let failures = 0;

const diamond = workflow('two_by_two')
  .task('a', { run: async () => await arrive('a', firstPair[0]) })
  .task('b', { run: async () => await arrive('b', firstPair[1]) })
  .task('c', { needs: ['a', 'b'], run: () => ({ c: 1 }) })
  .task('d', { needs: ['a', 'b'], run: () => ({ d: 1 }) })
  .task('join', { needs: ['c', 'd'], run: ({ c, d }) => ({ sum: c + d }) })
  .build();

const chain = (() => {
  const builder = new WorkflowBuilder('chain').addTask('link', () => ({}));
  for (let link = 0; link < 60; link += 1) {
    const step = builder.addStep('link', { as: `link${link}` });
    if (link > 0) step.dependsOn(`link${link - 1}`);
  }
  return builder.build();
})();

const slowRetry = workflow('slow_retry')
  .task('try', {
    retry: { maxAttempts: 3, initialInterval: '10ms', jitter: 0 },
    run: async () => {
      slowTries += 1;
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      if (slowTries < 2) throw new Error('too slow to notice');
      return { tries: slowTries };
    },
  })
  .build();

const rescued = workflow('rescued')
  .task('skipped', { when: () => false, run: () => ({ never: true }) })
  .task('fails', {
    onError: 'rescue',
    retry: { maxAttempts: 1 },
    run: () => {
      throw new RangeError('out of range');
    },
  })
  .task('rescue', { run: (_input, { outputs }) => ({ rescued: true, outputs }) })
  .task('after', { needs: ['skipped'], whenNeedsSkipped: 'run', run: () => ({ after: true }) })
  .task('not_after', { needs: ['skipped'], whenNeedsSkipped: 'skip', run: () => ({ never: true }) })
  .build();

const timeouts = workflow('timeouts', { onFailure: 'letFinish' })
  .task('startToClose', { retry: { maxAttempts: 1 }, timeout: '150ms', run: forever })
  .task('heartbeat', {
    retry: { maxAttempts: 1 },
    timeouts: { heartbeat: '150ms' },
    run: async (_input, { heartbeat, signal }) => {
      heartbeat({ beat: 1 });
      return await forever(_input, { signal });
    },
  })
  .task('scheduleToClose', {
    retry: { maxAttempts: 5, initialInterval: '100ms', jitter: 0 },
    timeouts: { scheduleToClose: '400ms' },
    run: () => {
      throw new Error('again');
    },
  })
  .task('scheduleToStart', {
    retry: { maxAttempts: 1 },
    timeouts: { scheduleToStart: '300ms' },
    uses: 'offered_by_nobody',
  })
  .build();

/** As `resumes_in_thread` of the module, but in the node's own thread. */
const resumes = workflow('resumes')
  .task('rows', {
    retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 },
    run: (_input, { attempt, heartbeat, heartbeatDetails }) => {
      if (attempt > 1) return { from: heartbeatDetails };
      heartbeat({ row: 7 });
      throw new Error('at row 7');
    },
  })
  .build();

const alwaysFails = workflow('always_fails')
  .task('fail', {
    retry: { maxRetries: 2, initialInterval: '10ms', jitter: 0 },
    run: () => {
      failures += 1;
      throw new Error(`failure ${failures}`);
    },
  })
  .build();

const overall = workflow('overall', { timeout: '250ms' }).task('wait', { run: forever }).build();

describe('a workflow on a node', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({
      modules,
      definitions: [diamond, chain, slowRetry, rescued, timeouts, resumes, alwaysFails, overall],
      cancelGraceMs: 200,
    });
  });
  after(async () => await cluster[Symbol.asyncDispose]());

  async function run(name: string) {
    const { id } = await cluster.api.start({ name, input: {} });
    return await cluster.api.result(id, 30_000);
  }

  it('runs two beside each other, two more when both have ended, and joins them', async () => {
    const { id } = await cluster.api.start({ name: 'two_by_two', input: {} });
    while (arrived.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const one of firstPair) one.open();
    const { workflow: view } = await cluster.api.result(id, 10_000);

    expect(arrived.toSorted()).to.deep.equal(['a', 'b']);
    expect(view.output).to.deep.equal({ c: 1, d: 1, sum: 2 });
  });

  it('runs a chain of 60 instant tasks to its end', async () => {
    const { workflow: view, tasks } = await run('chain');

    expect(view.state).to.equal('completed');
    expect(new Set(tasks.map(({ state }) => state))).to.deep.equal(new Set(['completed']));
  });

  it('is not failed by an attempt that took longer than a second while its retry succeeds', async () => {
    const { workflow: view, tasks } = await run('slow_retry');

    expect(view.state).to.equal('completed');
    expect(tasks[0]).to.include({ attempt: 2, retry_count: 1, state: 'completed' });
  });

  it('runs a task of two retries three times when it always fails, and then fails with the last reason', async () => {
    const { workflow: view, tasks } = await run('always_fails');

    expect(failures).to.equal(3);
    expect(view).to.include({ state: 'failed', error: 'failure 3' });
    expect(tasks[0]).to.include({ state: 'failed', attempt: 3, retry_count: 2, max_retries: 2 });
  });

  for (const [where, name] of [
    ['in the node', 'resumes'],
    ['in a thread', 'resumes_in_thread'],
  ] as const) {
    it(`gives the next attempt the heartbeat details of the one before, ${where}`, async () => {
      const { workflow: view, tasks } = await run(name);

      expect(view.output).to.deep.equal({ from: { row: 7 } });
      expect(tasks[0]?.attempt).to.equal(2);
    });
  }

  it('shows what was skipped, and runs the handler of an error instead of failing', async () => {
    const { workflow: view, tasks } = await run('rescued');
    const states = Object.fromEntries(tasks.map(({ step, state }) => [step, state]));

    expect(view.state).to.equal('completed');
    expect(states).to.deep.equal({
      skipped: 'skipped',
      fails: 'failed',
      rescue: 'completed',
      after: 'completed',
      not_after: 'skipped',
    });
    expect(tasks.find(({ step }) => step === 'rescue')?.input['error']).to.include({
      step: 'fails',
      name: 'RangeError',
      message: 'out of range',
    });
  });

  it('shows each timeout of a task as an error with its name', async () => {
    const { workflow: view, tasks } = await run('timeouts');
    const names = Object.fromEntries(tasks.map(({ step, failure }) => [step, failure?.name]));

    expect(view.state).to.equal('failed');
    expect(names).to.include({
      startToClose: 'StartToCloseTimeout',
      heartbeat: 'HeartbeatTimeout',
      scheduleToStart: 'ScheduleToStartTimeout',
      scheduleToClose: 'ScheduleToCloseTimeout',
    });
    expect(tasks.map(({ state }) => state)).to.deep.equal(['failed', 'failed', 'failed', 'failed']);
    expect(tasks.find(({ step }) => step === 'scheduleToClose')?.attempt).to.be.below(5);
  });

  it('ends with its own timeout, which cancels what runs', async () => {
    const { workflow: view, tasks } = await run('overall');

    expect(view.state).to.equal('failed');
    expect(view.failure).to.include({ kind: 'timeout', name: 'WorkflowTimeout' });
    expect(tasks[0]?.state).to.equal('canceled');
  });
});

async function arrive(step: string, held: { pass: () => Promise<void> } | undefined) {
  arrived.push(step);
  await held?.pass();
  return {};
}

async function forever(_input: unknown, { signal }: { signal: AbortSignal }): Promise<object> {
  return await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('told to stop')));
  });
}
