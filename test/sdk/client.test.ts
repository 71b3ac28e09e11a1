import { expect } from 'chai';
import { z } from 'zod';

import type { JsonObject } from '#sdk/index.ts';
import {
  actor,
  asyncTaskHandler,
  type Client,
  ClusterError,
  connect,
  NonRetryableError,
  NotANodeError,
  simpleTaskHandler,
  WorkflowBuilder,
  WorkflowCanceledError,
  WorkflowFailedError,
  workflow,
} from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, type TestDoors } from '../support/doors.ts';
import { gate } from '../support/held.ts';
import { rejection } from '../support/rejection.ts';

const held = gate();

const greet = workflow('greet', {
  input: z.object({ name: z.string(), greeting: z.string().default('Hello') }),
})
  .task('compose', { run: ({ name, greeting }) => ({ text: `${greeting}, ${name}!` }) })
  .task('count', { needs: ['compose'], run: ({ text }) => ({ letters: text.length }) })
  .build();

const decline = workflow('decline')
  .task('charge', {
    run: () => {
      throw new NonRetryableError('the card was declined');
    },
  })
  .build();

const waits = workflow('waits')
  .task('wait', {
    run: async (_, { signal }) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      await Promise.race([held.pass(), promise]);
      return { waited: true };
    },
  })
  .build();

const recovers = workflow('recovers')
  .task('once', { run: () => ({ first: 1 }) })
  .task('stumble', {
    needs: ['once'],
    retry: { maxAttempts: 1 },
    run: (_, { attempt }) => {
      if (attempt === 1) throw new Error('not yet');
      return { tries: attempt };
    },
  })
  .build();

const approval = workflow('approval')
  .signal('approve', {
    payload: z.object({ approved: z.boolean(), by: z.string().default('ada') }),
  })
  .signal('vote', { needs: ['approve'] })
  .build();

const counter = actor('counter', {
  state: { count: 0 },
  on: {
    add: ({ count }, by: number) => ({ state: { count: count + by }, reply: count + by }),
    read: ({ count }) => ({ reply: count }),
    fail: ({ count }) => {
      if (count === 0) throw new Error('no such luck');
      return {};
    },
  },
});

// ---- samples of the seed's guide ----

const notification = new WorkflowBuilder('notification_workflow')
  .addTask(
    'send_email',
    simpleTaskHandler((input: JsonObject) => ({
      email_sent: true,
      sent_to: input['recipient'] ?? null,
    })),
    3,
  )
  .addStep('send_email')
  .build();

const dataProcessing = new WorkflowBuilder('data_processing')
  .addTask('validate_input', simpleTaskHandler(validateInput), 3)
  .addTask('process_data', asyncTaskHandler(processData), 3)
  .addTask(
    'generate_report',
    simpleTaskHandler(() => ({ report_file: 'report.pdf' })),
    3,
  )
  .addTask(
    'send_notification',
    simpleTaskHandler(() => ({ notification_sent: true })),
    2,
  )
  .addStep('validate_input')
  .addStep('process_data')
  .dependsOn('validate_input')
  .addStep('generate_report')
  .dependsOn('process_data')
  .addStep('send_notification')
  .dependsOn('generate_report')
  .build();

function validateInput(input: JsonObject): JsonObject {
  if (input['data_file'] === '') throw new Error('data_file is required');
  return { validated: true, file_size: 1_024_000, data_file: input['data_file'] ?? null };
}

async function processData(input: { data_file: string }): Promise<JsonObject> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return { processed_records: 10_000, output_file: `processed_${input.data_file}` };
}

describe('a client', () => {
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    cluster = await startCluster({
      definitions: [
        greet,
        decline,
        recovers,
        waits,
        approval,
        counter,
        notification,
        dataProcessing,
      ],
    });
    doors = await openDoors(cluster.apis);
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const ways = {
    'as a node that owns and runs nothing': async () => await connect(cluster.options),
    'over HTTP': async () => await connect({ url: doors.url }),
  };

  for (const [way, open] of Object.entries(ways)) {
    describe(way, () => {
      let client: Client;

      before(async () => {
        client = await open();
      });

      after(async () => {
        await client.close();
      });

      it('starts a workflow by its definition and gets its output', async () => {
        const handle = await client.start(greet, { name: 'Ada' });
        const { text, letters } = await handle.result({ timeout: '10s' });
        expect({ text, letters }).to.deep.equal({ text: 'Hello, Ada!', letters: 11 });
        const view = await handle.describe();
        expect(view).to.include({ id: handle.id, name: 'greet', state: 'completed' });
        expect(view.outputs).to.deep.equal({
          compose: { text: 'Hello, Ada!' },
          count: { letters: 11 },
        });
        const tasks = await handle.tasks();
        expect(tasks.map(({ step, state }) => [step, state])).to.deep.equal([
          ['compose', 'completed'],
          ['count', 'completed'],
        ]);
      });

      it('starts a workflow by its name and waits for its output in one call', async () => {
        const output = await client.execute('greet', { name: 'Bob', greeting: 'Good day' });
        expect(output).to.include({ text: 'Good day, Bob!' });
      });

      it('finds a workflow again by its id', async () => {
        const id = `again-${way.length}`;
        await client.execute(greet, { name: 'Ada' }, { id });
        expect((await client.workflow(greet, id).result()).letters).to.equal(11);
        expect(await client.workflow(id).result()).to.include({ letters: 11 });
      });

      it('takes an id for one workflow alone, unless told to use the existing one', async () => {
        const id = `once-${way.length}`;
        await client.start(greet, { name: 'Ada' }, { id });
        await fails(client.start(greet, { name: 'Bob' }, { id }), 'ALREADY_EXISTS');
        const same = await client.start(greet, { name: 'Bob' }, { id, onConflict: 'useExisting' });
        expect((await same.result()).text).to.equal('Hello, Ada!');
      });

      it('makes repeats of one request one start', async () => {
        const requestId = `request-${way.length}`;
        const first = await client.start(greet, { name: 'Ada' }, { requestId });
        const second = await client.start(greet, { name: 'Ada' }, { requestId });
        expect(second.id).to.equal(first.id);
      });

      it('refuses another start under a request that was one before', async () => {
        const requestId = `mismatch-${way.length}`;
        await client.start(greet, { name: 'Ada' }, { requestId });
        await fails(client.start(greet, { name: 'Bob' }, { requestId }), 'IDEMPOTENCY_MISMATCH');
      });

      it('starts a workflow with tags, which its view shows', async () => {
        const tags = { customer: 'acme', way };
        const handle = await client.start(greet, { name: 'Ada' }, { tags });
        expect((await handle.describe()).tags).to.deep.equal(tags);
        const refused = client.start(greet, { name: 'Ada' }, { tags: { 'not a key': 'x' } });
        const { problems } = await fails(refused, 'INVALID_INPUT');
        expect(problems.map(({ pointer }) => pointer)).to.deep.equal(['/tags/not a key']);
      });

      it('refuses a definition that nobody knows, saying what to do', async () => {
        const error = await fails(client.start('nobody_knows', {}), 'UNKNOWN_DEFINITION');
        expect(error.message).to.match(
          /workflow definition not found: nobody_knows.*module of a node/,
        );
      });

      it('refuses input that does not fit, pointing at the field', async () => {
        // @ts-expect-error a name is text
        const byDefinition = await fails(client.start(greet, { name: 7 }), 'INVALID_INPUT');
        expect(byDefinition.problems.map(({ pointer }) => pointer)).to.deep.equal(['/input/name']);
        // @ts-expect-error JSON has no bigint
        const noJson = client.start('waits', { size: 1n });
        expect((await fails(noJson, 'INVALID_INPUT')).message).to.match(/not JSON/);
      });

      it('tells why and where a workflow failed', async () => {
        const handle = await client.start(decline, {});
        const error = await rejection(handle.result());
        if (!(error instanceof WorkflowFailedError)) throw error;
        expect(error).to.include({ workflowId: handle.id, step: 'charge' });
        expect(error.failure).to.include({ name: 'NonRetryableError', retryable: false });
        expect(error.message).to.equal(
          `workflow ${handle.id} failed at step "charge": NonRetryableError: the card was declined`,
        );
      });

      it('cancels a workflow under way, for good', async () => {
        const handle = await client.start(waits, {});
        const waiting = rejection(handle.result());
        await handle.cancel('changed my mind');
        const error = await waiting;
        if (!(error instanceof WorkflowCanceledError)) throw error;
        expect(error).to.include({ workflowId: handle.id, reason: 'changed my mind' });
        expect((await handle.describe()).state).to.equal('canceled');
      });

      it('refuses to cancel what has ended', async () => {
        const handle = await client.start(greet, { name: 'Ada' });
        await handle.result();
        await fails(handle.cancel(), 'ALREADY_CLOSED');
      });

      it('retries what has failed, from its failed step, and refuses what has not', async () => {
        const handle = await client.start(recovers, {});
        await rejection(handle.result());
        await handle.retry();
        expect(await handle.result()).to.deep.equal({ first: 1, tries: 2 });
        const refused = await fails(handle.retry(), 'NOT_FAILED');
        expect(refused.message).to.match(/is completed, and only one that has failed/);
        await fails(client.workflow('missing').retry(), 'NOT_FOUND');
      });

      it('sends signals, whose payloads are the outputs of the steps that wait for them', async () => {
        const handle = await client.start(approval, {});
        await handle.signal('vote', [1, 2]);
        await handle.signal('approve', { approved: true });
        expect(await handle.result()).to.deep.equal({ approved: true, by: 'ada' });
        expect((await handle.describe()).outputs['vote']).to.deep.equal([1, 2]);
      });

      it('repeats a signal safely under its request id, and refuses another', async () => {
        const handle = await client.start(approval, {});
        const requestId = `signal-${handle.id}`;
        await handle.signal('approve', { approved: true }, { requestId });
        await handle.signal('approve', { approved: true }, { requestId });
        const other = handle.signal('approve', { approved: false }, { requestId });
        await fails(other, 'IDEMPOTENCY_MISMATCH');
        await fails(handle.signal('approve', { approved: false }), 'SIGNAL_NOT_AWAITED');
      });

      it('refuses a signal that does not fit, that nobody waits for, or that comes too late', async () => {
        const handle = await client.start(approval, {});
        // @ts-expect-error it is approved or not
        const unfit = await fails(handle.signal('approve', { approved: 'yes' }), 'INVALID_INPUT');
        expect(unfit.problems.map(({ pointer }) => pointer)).to.deep.equal(['/payload/approved']);
        // @ts-expect-error nobody waits for that
        const unknown = await fails(handle.signal('aprove', {}), 'UNKNOWN_SIGNAL');
        expect(unknown.message).to.contain('Did you mean "approve"?');
        // @ts-expect-error JSON has no bigint
        const noJson = handle.signal('vote', { size: 1n });
        expect((await fails(noJson, 'INVALID_INPUT')).message).to.match(/not JSON/);
        await handle.cancel();
        await fails(handle.signal('approve', { approved: true }), 'ALREADY_CLOSED');
        await fails(client.workflow('missing').signal('approve'), 'NOT_FOUND');
      });

      it('stops waiting when the time is over or the signal says so; the workflow goes on', async () => {
        const handle = await client.start(waits, {});
        const late = await fails(handle.result({ timeout: '50ms' }), 'TIMEOUT');
        expect(late.message).to.match(/has not ended within 50ms; it goes on/);
        const enough = new AbortController();
        const waiting = rejection(handle.result({ signal: enough.signal }));
        enough.abort(new Error('enough'));
        expect(await waiting).to.have.property('message', 'enough');
        expect(['pending', 'running']).to.include((await handle.describe()).state);
        await handle.cancel();
      });

      it('says what it does not find', async () => {
        for (const [call, what] of [
          [() => client.getWorkflow('missing'), 'workflow not found: missing'],
          [() => client.getWorkflowTasks('missing'), 'workflow not found: missing'],
          [() => client.cancelWorkflow('missing'), 'workflow not found: missing'],
          [() => client.workflow('missing').result(), 'workflow not found: missing'],
          [() => client.getTask('missing.0'), 'task not found: missing.0'],
          [() => client.getTask('nonsense'), 'task not found: nonsense'],
        ] as const) {
          expect((await fails(call(), 'NOT_FOUND')).message).to.equal(what);
        }
      });

      it('asks and tells actors, typed by their definition', async () => {
        const ref = client.actor(counter, `c${way.length}`);
        expect(await ref.ask('add', 2)).to.equal(2);
        await ref.tell('add', 3);
        expect(await ref.ask('read')).to.equal(5);
        expect(await client.actor('counter', `c${way.length}`).ask('read')).to.equal(5);
        expect(ref.id).to.equal(`counter/c${way.length}`);
      });

      it('takes an actor out of quarantine', async () => {
        const key = `q${way.length}`;
        const ref = client.actor(counter, key);
        for (let failure = 0; failure < 4; failure += 1) {
          const error = await fails(ref.ask('fail'), 'ACTOR_FAILED');
          expect(error.failure?.message).to.equal('no such luck');
        }
        await fails(ref.ask('read'), 'ACTOR_QUARANTINED');
        await client.resumeActor(counter, key);
        expect(await ref.ask('read')).to.equal(0);
      });

      it("J: submit, get, tasks, task, list(limit, offset), cancel, with the seed's complex sample", async () => {
        const id = await client.submitWorkflow('data_processing', { data_file: 'sales.csv' });
        await client.workflow(id).result();
        expect((await client.getWorkflow(id)).output).to.deep.equal({
          data_file: 'sales.csv',
          validated: true,
          file_size: 1_024_000,
          processed_records: 10_000,
          output_file: 'processed_sales.csv',
          report_file: 'report.pdf',
          notification_sent: true,
        });
        const tasks = await client.getWorkflowTasks(id);
        expect(tasks.map(({ type }) => type)).to.deep.equal([
          'validate_input',
          'process_data',
          'generate_report',
          'send_notification',
        ]);
        const [first] = tasks;
        if (first === undefined) throw new Error('there is no task');
        expect(await client.getTask(first.id)).to.deep.equal(first);
        const waiting = await client.submitWorkflow('waits');
        await client.cancelWorkflow(waiting, 'enough');
        expect(await client.getWorkflow(waiting)).to.include({
          state: 'canceled',
          error: 'enough',
        });
        await listed(client, waiting);
        const [newest, ...others] = await client.listWorkflows(1, 0);
        expect(others).to.deep.equal([]);
        const [second] = await client.listWorkflows(1, 1);
        expect(second?.id).not.to.equal(newest?.id);
        const one = await client.listPage({ limit: 1 });
        const two = await client.listPage({ limit: 1, cursor: one.next ?? '' });
        expect([...one.rows, ...two.rows].map((row) => row.id)).to.deep.equal([
          newest?.id,
          second?.id,
        ]);
        await fails(
          client.listPage({ limit: 1, name: 'waits', cursor: one.next ?? '' }),
          'INVALID_INPUT',
        );
        const at = Date.parse(second?.created_at ?? '');
        const then = { createdAfter: at, createdBefore: at + 1, idPrefix: second?.id ?? '' };
        expect((await client.listWorkflows(then)).map((row) => row.id)).to.deep.equal([second?.id]);
        expect(await client.listWorkflows({ tags: { nobody: 'has this' } })).to.deep.equal([]);
        const canceled = await client.listWorkflows({ states: ['canceled'], name: 'waits' });
        expect(canceled.map((row) => row.id)).to.include(waiting);
        expect((await client.stats()).canceled).to.be.at.least(1);
        await fails(client.listWorkflows(0), 'INVALID_INPUT');
      });

      it("the seed's basic sample runs as it is written in its guide", async () => {
        const id = await client.submitWorkflow('notification_workflow', {
          recipient: 'user@example.com',
          subject: 'Welcome!',
        });
        expect(await client.workflow(id).result()).to.deep.equal({
          recipient: 'user@example.com',
          subject: 'Welcome!',
          email_sent: true,
          sent_to: 'user@example.com',
        });
      });

      it('J: close() twice is fine, and afterwards every call says so', async () => {
        const other = await open();
        const handle = await other.start(waits, {});
        const waiting = rejection(handle.result());
        await Promise.all([other.close(), other.close()]);
        await other.close();
        expect(await waiting)
          .to.have.property('message')
          .that.matches(/this client is closed/);
        expect((await fails(other.stats(), 'UNAVAILABLE')).message).to.match(/connect again/);
        await client.cancelWorkflow(handle.id);
      });
    });
  }

  it('owns no shards and offers nothing when it is a client only', async () => {
    const joined = cluster.nodes[0]?.notices.next('member.up', ({ node }) =>
      node.startsWith('only-a-client'),
    );
    await using client = await connect({ ...cluster.options, name: 'only-a-client' });
    await client.execute(greet, { name: 'Ada' });
    await joined;
    const { nodes } = await cluster.api.cluster();
    const own = nodes.find(({ name }) => name === 'only-a-client');
    expect(own).to.include({ shards: 0 });
    expect(own?.offers).to.deep.equal([]);
  });

  it('lays defaults of the schema under the input although its own node lacks the code', async () => {
    await using client = await connect(cluster.options);
    const handle = await client.start(greet, { name: 'Ada' });
    expect((await handle.describe()).input).to.deep.equal({ name: 'Ada', greeting: 'Hello' });
  });

  it('over HTTP says that only a node can offer handlers', async () => {
    await using client = await connect({ url: doors.url });
    for (const call of [
      async () => await client.registerTaskHandler('x', () => ({})),
      async () => await client.registerWorkflow(greet),
      async () => await client.startEngine(),
      async () => await client.startWorker(),
      async () => await client.stopEngine(),
      async () => await client.stopWorker(),
    ]) {
      const error = await rejection(call());
      expect(error).to.be.instanceOf(NotANodeError);
      expect(error)
        .to.have.property('message')
        .that.matches(/connect\(\{ redis, mysql \}\)/);
    }
    expect(() => client.getWorkerId()).to.throw(NotANodeError);
  });

  it('over HTTP says when nothing, or something else, answers', async () => {
    const nothing = await fails(connect({ url: 'http://127.0.0.1:9' }), 'UNAVAILABLE');
    expect(nothing.message).to.match(/nothing answers at http:\/\/127\.0\.0\.1:9\/.*start a node/);
    await fails(connect({ url: `${doors.url}/elsewhere` }), 'INTERNAL');
    const noUrl = await rejection(connect({ url: 'redis://localhost' }));
    expect(noUrl)
      .to.have.property('message')
      .that.matches(/not the URL of a TemJob node/);
  });
});

describe('a program that is a node by connect()', () => {
  it('is told which URL it lacks, and how one is written', async () => {
    // @ts-expect-error -- as of an environment variable that is not set
    const noRedis = await rejection(connect({ redis: undefined, mysql: 'mysql://h/d' }));
    expect(noRedis).to.match(/needs redis, .*like redis:\/\/.*got undefined/);
    const noMysql = await rejection(connect({ redis: 'redis://127.0.0.1:9', mysql: '' }));
    expect(noMysql).to.match(/needs mysql, .*like mysql:\/\/.*got ""/);
    const notRedis = await rejection(
      connect({ redis: 'localhost', mysql: 'mysql://127.0.0.1:9/none' }),
    );
    expect(notRedis).to.match(/localhost is no Redis URL; it begins with redis:\/\//);
  });

  it("J: the seed's program: register, start engine and worker, submit, in any order", async () => {
    await using cluster = await startCluster({ nodes: 0 });
    await using client = await connect(cluster.options);
    await client.startWorker();
    await client.startEngine();
    await client.registerTaskHandler('send_email', (input: { recipient: string }) => ({
      email_sent: true,
      by: `the handler that was registered, for ${input.recipient}`,
    }));
    await client.registerWorkflow(notification);
    const id = await client.submitWorkflow('notification_workflow', { recipient: 'Ada' });
    const output = await client.workflow(id).result({ timeout: '15s' });
    expect(output).to.include({ by: 'the handler that was registered, for Ada' });
    const [task] = await client.getWorkflowTasks(id);
    expect(task?.worker_id).to.equal(client.getWorkerId());

    await client.registerTaskHandler('send_email', () => ({ by: 'its successor' }));
    const next = await client.execute('notification_workflow', { recipient: 'Bob' });
    expect(next).to.include({ by: 'its successor' });

    await client.stopWorker();
    const left = await client.submitWorkflow('notification_workflow', { recipient: 'Eve' });
    await fails(client.workflow(left).result({ timeout: '300ms' }), 'TIMEOUT');
    await client.startWorker();
    expect(await client.workflow(left).result()).to.include({ by: 'its successor' });
    await client.stopEngine();
  });

  it('J: builder and adapters: many dependencies, retries, when, onError, as the words say', async () => {
    await using cluster = await startCluster({ nodes: 0 });
    let attempts = 0;
    const order = new WorkflowBuilder('order_processing', { retry: { initialInterval: '1ms' } })
      .addTask(
        'check',
        asyncTaskHandler(() => Promise.resolve({ checked: true })),
      )
      .addTask(
        'charge',
        simpleTaskHandler(() => {
          attempts += 1;
          throw new Error('declined');
        }),
        2,
      )
      .addTask(
        'refund',
        simpleTaskHandler((input: JsonObject) => ({ refunded: input['amount'] ?? null })),
      )
      .addTask('gift', () => ({ wrapped: true }))
      .addTask('confirm', () => ({ confirmed: true }))
      .addStep('check')
      .addStep('charge')
      .onError('refund')
      .addStep('refund')
      .addStep('gift')
      .when((merged) => merged['gift'] === true)
      .addStep('gift', { as: 'ribbon' })
      .dependsOn('gift')
      .skipWhenNeedsSkipped()
      .addStep('confirm')
      .dependsOn('check', 'charge', 'gift')
      .build();
    await using client = await connect({ ...cluster.options, definitions: [order] });
    const handle = await client.start(order, { amount: 5 });
    expect(await handle.result({ timeout: '15s' })).to.deep.equal({
      amount: 5,
      checked: true,
      refunded: 5,
      confirmed: true,
    });
    const tasks = await handle.tasks();
    expect(Object.fromEntries(tasks.map(({ step, state }) => [step, state]))).to.deep.equal({
      check: 'completed',
      charge: 'failed',
      refund: 'completed',
      gift: 'skipped',
      ribbon: 'skipped',
      confirm: 'completed',
    });
    expect(attempts, 'two retries are three attempts').to.equal(3);
  });

  it('refuses two handlers for one task type unless one is said to be it', async () => {
    await using cluster = await startCluster({ nodes: 0 });
    await using client = await connect({ ...cluster.options, definitions: [rival('one', 'one')] });
    const error = await rejection(client.registerWorkflow(rival('two', 'two')));
    expect(error).to.include({ code: 'DUPLICATE_TASK' });
    await client.registerTaskHandler('shared', () => ({ by: 'the one that was said' }));
    await client.registerWorkflow(rival('two', 'two'));
    for (const name of ['one', 'two']) {
      expect(await client.execute(name, {})).to.deep.equal({ by: 'the one that was said' });
    }
  });

  it('J: two workers with different handlers share one workflow', async () => {
    await using cluster = await startCluster({ nodes: 0 });
    const mixed = workflow('mixed')
      .task('left', { uses: 'left_task' })
      .task('right', { needs: ['left'], uses: 'right_task' })
      .build();
    await using left = await connect({ ...cluster.options, definitions: [mixed] });
    await using right = await connect({ ...cluster.options, worker: true });
    await left.registerTaskHandler('left_task', () => ({ left: 'done' }));
    await right.registerTaskHandler('right_task', () => ({ right: 'done' }));
    const handle = await right.start(mixed, {});
    expect(await handle.result({ timeout: '15s' })).to.deep.equal({ left: 'done', right: 'done' });
    const tasks = await handle.tasks();
    expect(tasks.map(({ worker_id: worker }) => worker)).to.deep.equal([
      left.getWorkerId(),
      right.getWorkerId(),
    ]);
  });
});

// ---- helpers ----

function rival(name: string, by: string) {
  return new WorkflowBuilder(name)
    .addTask('shared', () => ({ by }))
    .addStep('shared')
    .build();
}

async function fails(call: Promise<unknown>, code: string): Promise<ClusterError> {
  const error = await rejection(call);
  if (!(error instanceof ClusterError)) throw error;
  expect(error.code).to.equal(code);
  return error;
}

/** Lists may be up to a second behind. */
async function listed(client: Client, id: string): Promise<void> {
  const until = performance.now() + 5000;
  for (;;) {
    const rows = await client.listWorkflows();
    if (rows.some((row) => row.id === id && row.state === 'canceled')) return;
    if (performance.now() > until) throw new Error(`${id} is not in the list`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
