import { expect } from 'chai';

import { WorkflowFailedError, connect, type Client } from '#sdk/index.ts';

import { sampleRuns, shoppingCart } from '../../examples/index.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, type TestDoors } from '../support/doors.ts';
import { until } from '../support/until.ts';

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** What values that differ from run to run look like. */
const shapes: Readonly<Record<string, RegExp>> = {
  sent_at: rfc3339,
  timestamp: rfc3339,
  log_id: /^log_\d{14}$/,
  payment_id: /^pay_[\w-]+:\d+$/,
};

/* The samples as `npm start` runs them: as a module, in threads, on a real cluster. All at once, because each takes a while. */
describe('the samples', () => {
  let cluster: TestCluster;
  let doors: TestDoors;
  let client: Client;
  let runs: Promise<PromiseSettledResult<unknown>[]>;

  before(async () => {
    const module = new URL('../../examples/index.ts', import.meta.url).href;
    cluster = await startCluster({ modules: [module] });
    doors = await openDoors(cluster.apis);
    client = await connect({ url: doors.url });
    runs = Promise.allSettled(
      sampleRuns.map(async ({ name, input, awaits }) => {
        const handle = await client.start(name, input);
        if (awaits !== undefined) await handle.signal(awaits.signal, awaits.payload);
        return await handle.result();
      }),
    );
  });

  after(async () => {
    await client.close();
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  for (const [index, { name, input, expect: expected }] of sampleRuns.entries()) {
    it(`${name} ${JSON.stringify(input)} is ${expected.status}`, async () => {
      const run = (await runs)[index];
      if (expected.status === 'failed') {
        expect(run?.status === 'rejected' && run.reason).to.be.instanceOf(WorkflowFailedError);
        return;
      }
      if (run?.status !== 'fulfilled') throw run?.reason;
      const output = outputOf(run.value);
      for (const key of expected.made ?? []) {
        expect(output[key], key).to.match(shapes[key] ?? /^$/);
        delete output[key];
      }
      expect(output).to.deep.equal({ ...input, ...expected.output });
    });
  }

  it('data_processing ends with three tasks that were completed without a retry', async () => {
    const handle = await client.start('data_processing', {
      input_file: 'data.csv',
      output_dir: 'output',
    });
    await handle.result();
    const tasks = await handle.tasks();

    expect(tasks.map(({ type }) => type)).to.deep.equal([
      'validate_input',
      'process_data',
      'generate_report',
    ]);
    for (const task of tasks) expect(task).to.include({ state: 'completed', retry_count: 0 });
  });

  it('order_processing of more than is in stock fails at once, and says why', async () => {
    const handle = await client.start('order_processing', {
      order_id: 'A-1003',
      item: 'lamp',
      quantity: 101,
      amount: 3_019.9,
    });
    const error: unknown = await handle.result().catch((thrown: unknown) => thrown);
    const view = await handle.describe();
    const [validation] = await handle.tasks();

    expect(error).to.be.instanceOf(WorkflowFailedError);
    expect(error).to.have.property('message').that.includes('Only 100 of lamp are in stock.');
    expect(view).to.include({ state: 'failed', error: 'Only 100 of lamp are in stock.' });
    expect(validation).to.include({ step: 'validate_inventory', state: 'failed', attempt: 1 });
  });

  it('expense_approval stands still until somebody decides, and declines when the answer is no', async () => {
    const input = { employee: 'Alan', purpose: 'A chess computer', amount: 900 };
    const handle = await client.start('expense_approval', input);
    await until(async () => (await handle.tasks())[1]?.state === 'waiting');
    const { state, why } = await handle.describe();

    await handle.signal('approve', { approved: false, comment: 'play at home' });

    expect(state).to.equal('running');
    expect(why).to.deep.include({ code: 'WAITING_FOR_SIGNAL', step: 'approve' });
    expect(await handle.result()).to.deep.equal({
      ...input,
      asked: 'May Alan spend 900?',
      approved: false,
      comment: 'play at home',
      told: 'Alan: play at home',
    });
  });

  it('expense_approval of a small sum asks nobody', async () => {
    const input = { employee: 'Alan', purpose: 'Pencils', amount: 5 };
    const handle = await client.start('expense_approval', input);
    expect(await handle.result()).to.include({ paid: 5 });
    const tasks = await handle.tasks();
    expect(tasks.map(({ state }) => state)).to.deep.equal([
      'skipped',
      'skipped',
      'completed',
      'skipped',
    ]);
  });

  it('shopping_cart keeps what is put into it', async () => {
    const cart = client.actor(shoppingCart, 'ada');
    expect(await cart.ask('add', { name: 'lamp', price: 40 })).to.equal(1);
    expect(await cart.ask('add', { name: 'chair', price: 60 })).to.equal(2);
    expect(await cart.ask('total')).to.equal(100);
    await cart.tell('clear');
    expect(await cart.ask('total')).to.equal(0);
  });
});

function outputOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('the output is no object');
  return { ...value };
}
