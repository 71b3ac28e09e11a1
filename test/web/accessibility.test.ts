import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { z } from 'zod';

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
      expect(await axeViolations(page, ['light'])).to.deep.equal([]);
    });
  }

  it('finds nothing in dialogs and in a form with mistakes', async () => {
    await using watched = await openPage(browser, `${doors.url}/cluster`);
    const { page } = watched;
    const found: string[] = [];
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    found.push(...(await axeViolations(page)));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Drain b' }).click();
    found.push(...(await axeViolations(page)));
    await page.keyboard.press('Escape');
    await page.goto(`${doors.url}/definitions/asks`);
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: 'Start workflow' }).click();
    await page.locator('[aria-invalid="true"]').first().waitFor();
    await page.getByText('Id and tags').click();
    found.push(...(await axeViolations(page)));
    await page.getByRole('button', { name: 'JSON' }).click();
    found.push(...(await axeViolations(page)));
    expect(found).to.deep.equal([]);
  });
});

const asked = z.object({
  title: z.string().describe('Shown on the cover'),
  copies: z.int().min(1).default(1),
  paper: z.enum(['a4', 'letter']),
  author: z.object({ name: z.string() }),
  keywords: z.array(z.string()),
  rest: z.record(z.string(), z.string()),
});

const definitions = [
  workflow('asks', { input: asked })
    .task('answers', { run: () => ({}) })
    .build(),
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
