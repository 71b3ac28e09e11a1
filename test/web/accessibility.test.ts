import { expect } from 'chai';
import type { Browser } from 'playwright-core';

import { workflow } from '#sdk/index.ts';

import { axeViolations } from '../support/axe.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, type TestDoors } from '../support/doors.ts';

describe('the accessibility of the console', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    browser = await sharedBrowser();
    cluster = await startCluster({ nodes: 2, definitions });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
    for (const id of ['first', 'second']) await cluster.api.start({ name: 'greet', id, input: {} });
    await cluster.api.start({ name: 'fails', id: 'wrong', input: {} });
    for (const id of ['first', 'second', 'wrong']) await cluster.api.result(id, 10_000);
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  for (const path of [
    '/',
    '/workflows',
    '/definitions',
    '/definitions/greet',
    '/cluster',
    '/playground',
    '/nothing',
  ]) {
    it(`finds nothing against WCAG 2.2 AA at ${path}, in the dark and in the light`, async () => {
      await using watched = await openPage(browser, doors.url + path);
      const { page } = watched;
      await page.locator('.live[data-status="live"]').waitFor();
      await page.locator('h1').waitFor();
      expect(await axeViolations(page)).to.deep.equal([]);
      await page.setViewportSize({ width: 390, height: 800 });
      expect(await axeViolations(page)).to.deep.equal([]);
    });
  }
});

const definitions = [
  workflow('greet')
    .task('hello', { run: () => ({ said: true }) })
    .build(),
  workflow('fails')
    .task('breaks', {
      retry: { maxAttempts: 1 },
      run: () => {
        throw new Error('broken on purpose');
      },
    })
    .build(),
];
