import type { StandardSchemaV1 } from '@standard-schema/spec';
import { expect } from 'chai';
import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

import { checkJournal } from '../support/checker.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { refusal } from '../support/rejection.ts';
import { until } from '../support/until.ts';

let door = gate();
let moment = 0;

const decision = z.object({
  approved: z.boolean(),
  at: z.number().default(() => (moment += 1)),
});

const expense = workflow('expense')
  .task('ask', {
    run: async () => {
      await door.pass();
      return { asked: true };
    },
  })
  .signal('approve', { needs: ['ask'], payload: decision, timeout: '1h' })
  .task('pay', { needs: ['approve'], run: ({ approved }) => ({ paid: approved }) })
  .build();

/** A schema of a library that says nothing of itself as JSON Schema. */
const even: StandardSchemaV1<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' && value % 2 === 0
        ? { value: value / 2 }
        : { issues: [{ message: 'must be even' }] },
  },
};

const rolled = workflow('rolled')
  .signal('approve', { payload: z.object({ sum: z.string().transform(Number) }).strict() })
  .signal('count', { payload: even })
  .build();
const rolledOn = workflow('rolled')
  .signal('approve', { payload: z.object({ sum: z.string().transform(Number) }).strict() })
  .signal('count', { payload: even })
  .task('more', { needs: ['count'], run: () => ({}) })
  .build();

const empty = workflow('empty')
  .signal('flag', { payload: z.boolean().default(true) })
  .signal('word', { payload: z.string().optional() })
  .signal('form', { payload: z.object({ note: z.string().default('none') }) })
  .signal('gone', { payload: z.any().transform(() => undefined) })
  .build();

const open = workflow('open').signal('fill').build();

const impatient = workflow('impatient')
  .signal('approve', { timeout: '300ms', onError: 'decide' })
  .task('decide', { run: ({ error }) => ({ decided: error.name }) })
  .build();

describe('a workflow of a cluster that waits for a signal', function () {
  this.timeout(40_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster({
      nodes: 2,
      definitions: [expense, empty, open, impatient],
      idleMs: 120,
    });
  });

  after(async () => await cluster[Symbol.asyncDispose]());

  beforeEach(() => {
    door = gate();
  });

  async function waiting(id: string): Promise<void> {
    door.open();
    await cluster.api.start({ name: 'expense', input: {}, id });
    await until(async () => (await cluster.api.workflow(id)).tasks[1]?.state === 'waiting');
  }

  it('is in no memory meanwhile, and takes its signal from any node', async () => {
    const ids = ['left', 'right'];
    await Promise.all(ids.map(waiting));
    await until(async () => cluster.nodes.every((node) => node.load().actors === 0));
    await Promise.all(
      ids.map(async (workflowId, index) => {
        const payload = { approved: true, at: 7 };
        await cluster.apis[index]?.signal({ workflowId, signal: 'approve', payload });
      }),
    );

    for (const id of ids) {
      const { workflow: view } = await cluster.api.result(id, 10_000);
      expect(view.output).to.deep.equal({ asked: true, approved: true, at: 7, paid: true });
    }
    await checkJournal(cluster.options.mysql);
  });

  it('says that it waits, since when, and until when at most', async () => {
    await waiting('shown');

    const { workflow: view, tasks } = await cluster.api.workflow('shown');

    const since = tasks[1]?.started_at ?? '';
    expect(view.why).to.deep.equal({
      code: 'WAITING_FOR_SIGNAL',
      step: 'approve',
      params: { signal: 'approve', since },
      until: new Date(Date.parse(since) + 3_600_000).toISOString(),
    });
  });

  it('is listed with it, as is its task among those that wait', async () => {
    await waiting('listed');
    await until(async () => {
      const { rows } = await cluster.api.list({ limit: 10, idPrefix: 'listed' });
      return rows[0]?.task_states['waiting'] === 1;
    });

    const { tasks } = await cluster.api.tasks({ limit: 10, states: ['waiting'] });

    expect(tasks.map(({ id }) => id)).to.include('listed.1');
  });

  it('has a signal that came before it was waited for', async () => {
    await cluster.api.start({ name: 'expense', input: {}, id: 'early' });
    const payload = { approved: false, at: 1 };
    await cluster.api.signal({ workflowId: 'early', signal: 'approve', payload });
    const before = (await cluster.api.workflow('early')).tasks[1]?.state;

    door.open();
    const { workflow: view } = await cluster.api.result('early', 10_000);

    expect(before).to.equal('pending');
    expect(view.output).to.include({ approved: false, paid: false });
  });

  it('takes a repeat of one request for the same signal on any node, also when only defaults of the moment differ', async () => {
    await waiting('twice');
    const request = { workflowId: 'twice', signal: 'approve', requestId: 'request-1' };
    await cluster.apis[0]?.signal({ ...request, payload: { approved: true } });

    await cluster.apis[1]?.signal({ ...request, payload: { approved: true } });
    const other = await refusal(cluster.api.signal({ ...request, payload: { approved: false } }));
    const second = await refusal(
      cluster.api.signal({ ...request, requestId: 'request-2', payload: { approved: false } }),
    );
    const { workflow: view } = await cluster.api.result('twice', 10_000);

    expect(view.output).to.include({ approved: true, paid: true });
    expect(other.code).to.equal('IDEMPOTENCY_MISMATCH');
    expect(second.code).to.be.oneOf(['SIGNAL_NOT_AWAITED', 'ALREADY_CLOSED']);
  });

  it('takes a payload as large as an input may be, and refuses a larger one', async () => {
    const { id: workflowId } = await cluster.api.start({ name: 'open', input: {} });
    const signal = { workflowId, signal: 'fill' };
    const largest = 'x'.repeat(2 * 1024 * 1024 - 2);

    const refused = await refusal(cluster.api.signal({ ...signal, payload: `${largest}x` }));
    await cluster.api.signal({ ...signal, payload: largest });
    const { workflow: view } = await cluster.api.result(workflowId, 10_000);

    expect(refused.code).to.equal('TOO_LARGE');
    expect(view.outputs['fill']).to.have.length(largest.length);
  });

  it('makes of no payload what its schema makes of nothing, or else of an empty object', async () => {
    const { id: workflowId } = await cluster.api.start({ name: 'empty', input: {} });
    for (const signal of ['flag', 'word', 'form', 'gone']) {
      await cluster.api.signal({ workflowId, signal });
    }

    const { workflow: view } = await cluster.api.result(workflowId, 10_000);

    expect(view.outputs).to.deep.equal({
      flag: true,
      word: null,
      form: { note: 'none' },
      gone: null,
    });
  });

  it('takes one of many that come at once', async () => {
    await waiting('contested');
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, async (_, at) => {
        const payload = { approved: at % 2 === 0, at };
        await cluster.apis[at % 2]?.signal({ workflowId: 'contested', signal: 'approve', payload });
        return payload;
      }),
    );
    const taken = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? [answer.value] : [],
    );
    const { workflow: view } = await cluster.api.result('contested', 10_000);

    expect(taken).to.have.length(1);
    expect(view.outputs['approve']).to.deep.equal(taken[0]);
  });

  it('fails the step that waited too long, and lets the handler of its errors go on', async () => {
    const { id } = await cluster.api.start({ name: 'impatient', input: {} });

    const { workflow: view, tasks } = await cluster.api.result(id, 10_000);

    expect(view.output).to.deep.equal({ decided: 'SignalTimeout' });
    expect(tasks[0]).to.deep.include({
      state: 'failed',
      error: 'approve did not get its signal within 300 ms',
    });
  });
});

describe('a workflow that waits longer than the version of its definition lives', function () {
  this.timeout(40_000);

  it('has its payloads checked by the code of another version that says the same of them', async () => {
    await using cluster = await startCluster({ definitions: [rolled] });
    await cluster.api.start({ name: 'rolled', input: {}, id: 'old' });
    const { api } = await cluster.join({ name: 'next', definitions: [rolledOn] });
    await cluster.nodes[0]?.stop({ graceMs: 0 });
    const approve = { workflowId: 'old', signal: 'approve' };
    const count = { workflowId: 'old', signal: 'count' };

    const refusals = await Promise.all([
      refusal(api.signal({ ...approve, payload: { sum: '7', to: 'elsewhere' } })),
      refusal(api.signal({ ...count, payload: 3 })),
    ]);
    await api.signal({ ...approve, payload: { sum: '7' } });
    await api.signal({ ...count, payload: 4 });
    const { workflow: view } = await api.result('old', 10_000);

    expect(refusals.map(({ code }) => code)).to.deep.equal(['INVALID_INPUT', 'INVALID_INPUT']);
    expect(view.outputs).to.deep.equal({ approve: { sum: 7 }, count: 2 });
  });
});
