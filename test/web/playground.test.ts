import { expect } from 'chai';
import type { Browser } from 'playwright-core';

import { samples } from '../../web/samples.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, type TestDoors } from '../support/doors.ts';
import { NodeProcess } from '../support/node-process.ts';

const modules = [new URL('../../examples/index.ts', import.meta.url).href];

describe('the playground', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;
  let victim: NodeProcess;

  before(async () => {
    browser = await sharedBrowser();
    cluster = await startCluster({ modules, dev: true });
    victim = await NodeProcess.start({
      ...cluster.options,
      name: 'b',
      modules,
      threads: 1,
      dev: true,
    });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
  });

  after(async () => {
    await victim[Symbol.asyncDispose]();
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  it('offers samples that the examples have, with inputs that they take', async () => {
    for (const [name, sample] of Object.entries(samples)) {
      const { id } = await cluster.api.start({ ...sample, id: `sample-${name}` });
      expect(id).to.equal(`sample-${name}`);
    }
  });

  it('starts a sample with one click, and shows it', async () => {
    await using watched = await openPage(browser, `${doors.url}/playground`);
    const { page, complaints } = watched;
    await page.getByRole('button', { name: 'Start order_processing' }).click();
    await page.waitForURL(/\/workflows\/.+/);
    await page.locator('h1', { hasText: 'order_processing' }).waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('kills a node, and says how long it took until everything went on', async () => {
    await using watched = await openPage(browser, `${doors.url}/playground`);
    const { page, complaints } = watched;
    await page.locator('.live[data-status="live"]').waitFor();
    await page.locator('.victims li[data-node="b"] .node-state[data-node="up"]').waitFor();
    await page.locator('.victims li[data-node="b"]', { hasText: /[1-9]\d* shards/ }).waitFor();
    await page.getByRole('button', { name: 'A burst of 100' }).click();
    // So many that the node has some of them; what it has cannot move before another has taken it over.
    await page.locator('.strip i[data-state="running"]').nth(20).waitFor();

    await page.getByRole('button', { name: 'Kill node b' }).click();

    expect(await victim.ended()).to.equal(null);
    await page.locator('.recoveries li[data-took]').waitFor();
    const said = await page.locator('.recoveries li').textContent();
    expect(said).to.match(/node b killed:[\d.]+s(\d+) of \1 workflows that ran then/);
    const took = Number(await page.locator('.recoveries li').getAttribute('data-took'));
    expect(took).to.be.above(1_000);
    expect(complaints).to.deep.equal([]);
  });
});
