import { expect } from 'chai';
import { expectTypeOf } from 'expect-type';
import { z } from 'zod';

import { actor } from '#sdk/actor.ts';
import { RetryAfterError } from '#sdk/index.ts';
import { task } from '#sdk/task.ts';
import { RefusedError, testEnvironment, WorkflowFailedError } from '#sdk/testing.ts';
import { WorkflowBuilder } from '#sdk/workflow-builder.ts';
import { workflow } from '#sdk/workflow.ts';

import { rejection } from '../support/rejection.ts';

const orders = workflow('orders', { input: z.object({ order: z.number() }) })
  .task('validate', { run: ({ order }) => ({ valid: order > 0 }), retry: { maxAttempts: 3 } })
  .task('charge', {
    needs: ['validate'],
    run: async ({ order }) => {
      await Promise.resolve();
      return { charged: order * 100 };
    },
    retry: { maxAttempts: 3, initialInterval: '1h', backoffCoefficient: 1, maxInterval: '1h' },
    timeout: '10m',
  })
  .build();

describe('a test environment', () => {
  it('runs a workflow to its output, with the types of the definition', async () => {
    const env = testEnvironment();

    const output = await env.start(orders, { order: 7 }).result();

    expectTypeOf(output).toEqualTypeOf<{
      readonly order: number;
      readonly valid: boolean;
      readonly charged: number;
    }>();
    expect(output).to.deep.equal({ order: 7, valid: true, charged: 700 });
  });

  it('refuses input that does not fit, saying where', () => {
    const env = testEnvironment();

    // @ts-expect-error: the order is no number
    expect(() => env.start(orders, { order: 'seven' })).to.throw(TypeError, 'order');
  });

  it('jumps over the time between attempts', async () => {
    const env = testEnvironment({ now: new Date('2030-01-01T00:00:00Z') });
    env.failTask('charge', new Error('bank is down'), { times: 2 });
    const began = performance.now();

    const run = env.start(orders, { order: 7 });
    await run.result();

    expect(env.now.toISOString()).to.equal('2030-01-01T02:00:00.000Z');
    expect(performance.now() - began).to.be.below(1000);
    expect(run.describe().tasks[1]).to.include({ state: 'completed', attempt: 3, retry_count: 2 });
  });

  it('rejects the result of a workflow that failed, saying which step and why', async () => {
    const env = testEnvironment();
    env.failTask('charge', new RangeError('no money'));

    const error = await rejection(env.start(orders, { order: 7 }).result());

    expect(error).to.be.instanceOf(WorkflowFailedError);
    expect(error).to.have.property('message').that.includes('step "charge": RangeError: no money');
    expect(error).to.have.nested.property('failure.step', 'charge');
  });

  it('lets an output stand in for a task, and a handler that sees the input', async () => {
    const env = testEnvironment();
    env.mockTask('validate', { output: { valid: false } });
    env.mockTask('charge', ({ valid }, { attempt }) => ({ charged: 0, valid, attempt }));

    const output = await env.start(orders, { order: 7 }).result();

    expect(output).to.deep.equal({ order: 7, valid: false, charged: 0, attempt: 1 });
  });

  it('takes a stand-in away after as many times as it was given for', async () => {
    const env = testEnvironment();
    env.mockTask('charge', { output: { charged: 1 } }, { times: 1 });

    const first = await env.start(orders, { order: 7 }).result();
    const second = await env.start(orders, { order: 7 }).result();

    expect([first.charged, second.charged]).to.deep.equal([1, 700]);
  });

  it('does not let a misspelt stand-in pass', async () => {
    const env = testEnvironment();
    env.mockTask('chagre', { output: {} });

    const error = await rejection(env.start(orders, { order: 7 }).result());

    expect(error).to.have.property('message').that.includes('Did you mean "charge"?');
  });

  it('forces a timeout, visible as such', async () => {
    const env = testEnvironment();
    env.forceTimeout('charge');

    const run = env.start(orders, { order: 7 });
    await run.waitFor('charge', 'retrying');
    const shown = run.describe().tasks[1];
    const output = await run.result();

    expect(shown).to.have.nested.property('failure.name', 'StartToCloseTimeout');
    expect(output.charged).to.equal(700);
  });

  it('waits for a step, and leaves those after it where they are', async () => {
    const env = testEnvironment();
    const run = env.start(orders, { order: 7 });

    const validated = await run.waitFor('validate');

    expect(validated).to.deep.include({ state: 'completed', output: { valid: true } });
    expect(run.describe().workflow.state).to.equal('running');
  });

  it('names the steps there are when it is asked to wait for another', async () => {
    const run = testEnvironment().start(orders, { order: 7 });

    const error = await rejection(run.waitFor('valdiate'));

    expect(error).to.have.property('message').that.includes('Did you mean "validate"?');
  });

  it('passes time by skip alone when it is told so', async () => {
    const env = testEnvironment({ autoSkip: false });
    env.failTask('charge', new Error('bank is down'), { times: 1 });
    const run = env.start(orders, { order: 7 });

    await env.skip('59m');
    const before = run.describe().tasks[1]?.state;
    await env.skip('1m');

    expect(before).to.equal('retrying');
    expect(run.describe().workflow.state).to.equal('completed');
  });

  it('shows what a handler tells of itself, and its log', async () => {
    const env = testEnvironment();
    const job = workflow('job')
      .task('work', {
        run: (_, context) => {
          context.log.info('half way');
          context.progress(0.5, 'half');
          return { node: context.node, key: context.idempotencyKey };
        },
      })
      .build();

    const run = env.start(job, {}, { id: 'job-1' });
    const output = await run.result();

    expect(output.key).to.equal('job-1:0');
    expect(run.logs('work').map((line) => line.message)).to.deep.equal(['half way']);
    expect(run.describe().tasks[0]?.progress).to.deep.equal({ fraction: 0.5, note: 'half' });
  });

  it('sends signals, and says who waits for one when nobody sends it', async () => {
    const env = testEnvironment();
    const approval = workflow('approval')
      .signal('approve', { payload: z.object({ approved: z.boolean() }), timeout: '2d' })
      .task('pay', { needs: ['approve'], run: ({ approved }) => ({ paid: approved }) })
      .build();
    const run = env.start(approval, {});
    await run.waitFor('approve', 'waiting');

    // @ts-expect-error: it is approved or not
    expect(() => run.signal('approve', { approved: 'yes' })).to.throw(TypeError, 'approved');
    // @ts-expect-error: nobody waits for that
    expect(() => run.signal('aprove', {})).to.throw(RefusedError, 'Did you mean "approve"?');
    run.signal('approve', { approved: true });
    expect(await run.result()).to.deep.equal({ approved: true, paid: true });
    expect(() => run.signal('approve', { approved: true })).to.throw(RefusedError);

    const forgotten = env.start(approval, {});
    const error = await rejection(forgotten.result());
    expect(error).to.be.instanceOf(WorkflowFailedError);
    expect(error).to.have.nested.property('failure.name', 'SignalTimeout');
    expect(env.now.toISOString()).to.equal('2030-01-03T00:00:00.000Z');

    const mocking = testEnvironment();
    mocking.mockTask('approve', { output: {} });
    expect(await rejection(mocking.start(approval, {}).result()))
      .to.have.property('message')
      .that.includes('Send it with run.signal("approve", …)');

    const patient = env.start(workflow('patient').signal('go').build(), {}, { id: 'p' });
    expect(await rejection(patient.result()))
      .to.have.property('message')
      .that.equals(
        'the result of p will never come: nothing runs, and nothing is due. Signals are waited for: "go" of p; send one with run.signal(…).',
      );
  });

  it('gives the whole history', async () => {
    const env = testEnvironment();
    const run = env.start(orders, { order: 7 });

    await run.result();

    expect(run.history().map((event) => event.type)).to.deep.equal([
      'workflow.accepted',
      'task.scheduled',
      'task.started',
      'task.completed',
      'task.scheduled',
      'task.started',
      'task.completed',
      'workflow.completed',
    ]);
  });

  it('aborts what runs on cancel, and starts nothing more', async () => {
    const env = testEnvironment();
    const seen: string[] = [];
    const job = workflow('job')
      .task('wait', {
        run: async (_, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          seen.push(String(signal.reason));
        },
      })
      .task('after', { needs: ['wait'], run: () => seen.push('after') })
      .build();
    const run = env.start(job, {});
    await run.waitFor('wait', 'running');

    run.cancel('enough');
    const error = await rejection(run.result());

    expect(error).to.include({ name: 'WorkflowCanceledError' });
    await env.skip('1h');
    expect(seen).to.deep.equal(['AbortError: enough']);
  });

  it('runs out of time for a handler that never ends when time is skipped', async () => {
    const env = testEnvironment();
    const job = workflow('job')
      .task('hang', { run: async () => await new Promise<void>(() => undefined), timeout: '5m' })
      .build();
    const run = env.start(job, {});

    await env.skip('1h');

    expect(run.describe().workflow.failure).to.include({ name: 'StartToCloseTimeout' });
  });

  it('evaluates when and map, and hands errors to their handler', async () => {
    const env = testEnvironment();
    const job = workflow('job')
      .task('big', { when: () => false, run: () => ({ big: true }) })
      .task('named', { map: ({ input }) => Object.keys(input), run: (keys) => ({ keys }) })
      .task('risky', {
        onError: 'rescue',
        retry: { maxAttempts: 1 },
        run: (): { done: boolean } => {
          throw new Error('boom');
        },
      })
      .task('rescue', { run: ({ error }) => ({ rescued: error }) })
      .build();
    const run = env.start(job, { a: 1 });

    const output = await run.result();

    expect(output)
      .to.deep.include({ keys: ['a'] })
      .and.not.to.have.property('big');
    expect(output).to.have.nested.property('rescued.message', 'boom');
    expect(run.describe().tasks.map((shown) => shown.state)).to.deep.equal([
      'skipped',
      'completed',
      'failed',
      'completed',
    ]);
  });

  it('evaluates when for a stand-in, too', async () => {
    const env = testEnvironment();
    const job = workflow('job')
      .task('never', { when: () => false, run: () => ({}) })
      .build();
    env.mockTask('never', { output: { ran: true } });

    const output = await env.start(job, {}).result();

    expect(output).to.deep.equal({});
  });

  it('keeps a handler from changing what others see', async () => {
    const env = testEnvironment();
    const job = new WorkflowBuilder('job')
      .addTask('spoil', (input: { list: number[] }) => {
        input.list.push(99);
        return {};
      })
      .addStep('spoil')
      .build();

    const output = await env.start(job, { list: [1] }).result();

    expect(output).to.deep.equal({ list: [1] });
  });

  it('says that an output is not JSON as a cluster would', async () => {
    const env = testEnvironment();
    env.mockTask('charge', { output: { when: new Map() } });

    const error = await rejection(env.start(orders, { order: 7 }).result());

    expect(error).to.have.nested.property('failure.kind', 'invalid');
  });

  it('waits as long as a handler asks', async () => {
    const env = testEnvironment({ now: new Date(0) });
    env.failTask('validate', new RetryAfterError('later', 90_000), { times: 1 });

    await env.start(orders, { order: 7 }).result();

    expect(env.now.getTime()).to.equal(90_000);
  });

  it('runs task types that were defined apart', async () => {
    const send = task('send', { run: () => ({ sent: true }) });
    const mails = workflow('mails').task('mail', { uses: 'send' }).build();
    const env = testEnvironment({ definitions: [send] });

    const output = await env.start(mails, {}).result();

    expect(output).to.deep.equal({ sent: true });
  });

  it('says so when something can never come', async () => {
    const env = testEnvironment();
    const stuck = workflow('stuck')
      .task('hang', { run: () => ({}), timeouts: { startToClose: null } })
      .build();
    env.forceTimeout('hang');

    const error = await rejection(env.start(stuck, {}).result());

    expect(error).to.have.property('message').that.includes('nothing is due');
  });

  it('refuses a second workflow under the same id', () => {
    const env = testEnvironment();
    env.start(orders, { order: 7 }, { id: 'order-7' });

    expect(() => env.start(orders, { order: 8 }, { id: 'order-7' }))
      .to.throw(RefusedError)
      .with.property('code', 'ALREADY_EXISTS');
  });

  it('refuses to cancel what has completed', async () => {
    const run = testEnvironment().start(orders, { order: 7 });
    await run.result();

    expect(() => run.cancel())
      .to.throw(RefusedError)
      .with.property('code', 'ALREADY_CLOSED');
  });

  it('runs many workflows side by side on one clock', async () => {
    const env = testEnvironment({ now: new Date(0) });
    env.failTask('charge', new Error('bank is down'), { times: 50 });
    const runs = Array.from({ length: 50 }, (_, order) => env.start(orders, { order }));

    const outputs = await Promise.all(runs.map(async (run) => await run.result()));

    expect(outputs.map((output) => output.charged / 100)).to.deep.equal([...Array(50).keys()]);
    expect(env.now.getTime()).to.equal(3_600_000);
  });
});

describe('an actor in a test environment', () => {
  const counter = actor('counter', {
    state: { count: 0 },
    on: {
      add: ({ count }, by: number) => ({ state: { count: count + by }, reply: count + by }),
      read: ({ count }) => ({ reply: count }),
      fail: () => {
        throw new Error('it broke');
      },
    },
    restart: { maxFailures: 1, within: '1m' },
  });

  it('is asked and told as in a cluster, with the types of its messages', async () => {
    const ref = testEnvironment().actor(counter, 'a');

    await ref.tell('add', 2);
    const sum = await ref.ask('add', 3);

    expectTypeOf(sum).toEqualTypeOf<number>();
    expect(sum).to.equal(5);
    expect(await ref.ask('read')).to.equal(5);
  });

  it('has a state for each key', async () => {
    const env = testEnvironment();

    await env.actor(counter, 'a').ask('add', 2);
    const other = await env.actor(counter, 'b').ask('read');

    expect(other).to.equal(0);
  });

  it('rejects an ask whose turn throws, keeps its state, and is put aside at last', async () => {
    const ref = testEnvironment().actor(counter, 'a');
    await ref.ask('add', 2);

    const first = await rejection(ref.ask('fail'));
    const kept = await ref.ask('read');
    await rejection(ref.ask('fail'));
    const last = await rejection(ref.ask('read'));

    expect(first).to.include({ name: 'RefusedError', code: 'ACTOR_FAILED', message: 'it broke' });
    expect(kept).to.equal(2);
    expect(last).to.include({ code: 'ACTOR_QUARANTINED' });
  });
});
