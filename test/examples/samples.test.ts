import { expect } from 'chai';

import { WorkflowFailedError, connect, type Client } from '#sdk/index.ts';

import { sampleRuns, shoppingCart } from '../../examples/index.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, type TestDoors } from '../support/doors.ts';

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
      sampleRuns.map(async ({ name, input }) => await client.execute(name, input)),
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
      expect(run.value).to.deep.include({ ...input, ...expected.output });
    });
  }

  it('shopping_cart keeps what is put into it', async () => {
    const cart = client.actor(shoppingCart, 'ada');
    expect(await cart.ask('add', { name: 'lamp', price: 40 })).to.equal(1);
    expect(await cart.ask('add', { name: 'chair', price: 60 })).to.equal(2);
    expect(await cart.ask('total')).to.equal(100);
    await cart.tell('clear');
    expect(await cart.ask('total')).to.equal(0);
  });
});
