import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

import { axeViolations } from '../support/axe.ts';
import { openPage } from '../support/browser.ts';
import { openConsole, type TestConsole } from '../support/console.ts';
import { type Gate, gate } from '../support/held.ts';

/** Each page, and what is there when it is. */
const pages: Readonly<Record<string, string>> = {
  '/': '.tile',
  '/workflows': 'tr[data-id="wrong"]',
  '/workflows?state=failed&q=wr&tag.kind=none': '.empty button',
  '/definitions': 'tr[data-definition="greet"]',
  '/definitions/greet': '.step[data-step="hello"]',
  '/definitions/decide': '.step[data-step="approve"]',
  '/workflows/decide-1?step=approve': '.panel .signals button',
  '/workflows/decide-1?tab=timeline': '.tl-track .tl-bar[data-kind="waiting"]',
  '/cluster': '.node[data-node="b"] .facts',
  '/playground': '.victims li[data-node="b"] button',
  '/nothing': '.empty h1',
  '/workflows/nothing': '.empty h1',
};

describe('the accessibility of the console', function () {
  this.timeout(60_000);
  let world: TestConsole;
  const held = gate();

  before(async () => {
    // Of a developer's own machine, so that there is a playground.
    world = await openConsole({ nodes: 2, dev: true, definitions: definitions(held) });
    const { api } = world.cluster;
    for (const id of ['first', 'second']) await api.start({ name: 'greet', id, input: {} });
    await api.start({ name: 'fails', id: 'wrong', input: {} });
    for (const id of ['first', 'second', 'wrong']) await api.result(id, 10_000);
    for (const id of ['decide-1', 'decide-2']) await api.start({ name: 'decide', id, input: {} });
    for (const id of ['waits-1', 'waits-2']) await api.start({ name: 'waits', id, input: {} });
  });

  after(async () => {
    held.open();
    await world[Symbol.asyncDispose]();
  });

  for (const [path, there] of Object.entries(pages)) {
    it(`finds nothing against WCAG 2.2 AA at ${path}, wide and narrow, in the dark and in the light`, async () => {
      await using watched = await openPage(world.browser, world.url + path);
      const { page } = watched;
      await page.locator(there).first().waitFor();
      await page.locator('.live[data-status="live"]').waitFor();
      expect(await violations(page)).to.deep.equal([]);
    });
  }

  it('finds nothing in the dialogs of the frame, the cluster and a workflow', async () => {
    await using watched = await openPage(world.browser, `${world.url}/cluster`);
    const { page } = watched;
    const found: string[] = [];
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    found.push(...(await violations(page)));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Drain b' }).click();
    found.push(...(await violations(page)));
    await page.goto(`${world.url}/workflows/waits-1`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    found.push(...(await violations(page)));
    expect(found).to.deep.equal([]);
  });

  it('finds nothing in the dialog of a signal: its fields, what is wrong with them, JSON, and a refusal', async () => {
    await using watched = await openPage(world.browser, `${world.url}/workflows/decide-2`);
    const { page } = watched;
    const found: string[] = [];
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await dialog.getByLabel('reason').waitFor();
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.getByText('This is needed.').waitFor();
    found.push(...(await violations(page)));
    await dialog.getByRole('button', { name: 'JSON' }).click();
    await dialog.getByLabel('Payload (JSON)').fill('{"reason": ""}');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.locator('.field-problem', { hasText: '/payload/reason' }).waitFor();
    found.push(...(await violations(page)));
    await world.cluster.api.cancel('decide-2');
    await dialog.getByLabel('Payload (JSON)').fill('{"reason": "enough"}');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.locator('[role="alert"]', { hasText: 'canceled' }).waitFor();
    found.push(...(await violations(page)));
    expect(found).to.deep.equal([]);
  });

  it('finds nothing in the dialogs of the list: the start of a workflow, and the end of many', async () => {
    await using watched = await openPage(world.browser, `${world.url}/workflows?q=waits-`);
    const { page } = watched;
    const found: string[] = [];
    await page.locator('tr[data-id="waits-1"]').waitFor();
    await page.getByRole('button', { name: 'Start workflow' }).click();
    const dialog = page.getByRole('dialog');
    // One with fields for its input, and one that takes JSON.
    await dialog.getByLabel('Definition').selectOption('asks');
    await dialog.getByRole('button', { name: 'Start', exact: true }).click();
    await dialog.locator('[aria-invalid="true"]').first().waitFor();
    found.push(...(await violations(page)));
    await dialog.getByLabel('Definition').selectOption('waits');
    await dialog.getByLabel('Input (JSON)').fill('{');
    await dialog.getByRole('button', { name: 'Start', exact: true }).click();
    await dialog.locator('.wrong', { hasText: 'JSON' }).waitFor();
    found.push(...(await violations(page)));
    await page.keyboard.press('Escape');
    await page.getByLabel('Select all of this page').click();
    await page.getByText('2 selected').waitFor();
    found.push(...(await violations(page)));
    await page.getByRole('button', { name: 'Cancel 2' }).click();
    await dialog.getByText('Cancel 2 workflows?').waitFor();
    found.push(...(await violations(page)));
    await dialog.getByRole('button', { name: 'Cancel 2' }).click();
    await dialog.getByText('2 of 2 done').waitFor();
    found.push(...(await violations(page)));
    expect(found).to.deep.equal([]);
  });

  it('finds nothing in a row that no longer fits the filter', async () => {
    const { api } = world.cluster;
    await api.start({ name: 'waits', id: 'goes', input: {} });
    await using watched = await openPage(
      world.browser,
      `${world.url}/workflows?state=running&q=goes`,
    );
    const { page } = watched;
    await page.locator('tr[data-id="goes"]').waitFor();
    await api.cancel('goes');
    await page.locator('tr[data-id="goes"].gone').waitFor();
    expect(await violations(page)).to.deep.equal([]);
  });

  it('finds nothing in a form with mistakes, and in the same as JSON', async () => {
    await using watched = await openPage(world.browser, `${world.url}/definitions/asks`);
    const { page } = watched;
    const found: string[] = [];
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: 'Start workflow' }).click();
    await page.locator('[aria-invalid="true"]').first().waitFor();
    await page.getByText('Id and tags').click();
    found.push(...(await violations(page)));
    await page.getByRole('button', { name: 'JSON' }).click();
    found.push(...(await violations(page)));
    expect(found).to.deep.equal([]);
  });
});

/** In both themes, as wide as it is and as narrow as a phone; then it is as wide as before. */
async function violations(page: Page): Promise<readonly string[]> {
  const before = page.viewportSize() ?? { width: 1280, height: 900 };
  const wide = await axeViolations(page);
  await page.setViewportSize({ width: 390, height: 844 });
  const narrow = await axeViolations(page);
  await page.setViewportSize(before);
  return [...wide, ...narrow.map((line) => `narrow, ${line}`)];
}

const asked = z.object({
  title: z.string().describe('Shown on the cover'),
  copies: z.int().min(1).default(1),
  paper: z.enum(['a4', 'letter']),
  author: z.object({ name: z.string() }),
  keywords: z.array(z.string()),
  rest: z.record(z.string(), z.string()),
});

const reasons = z.object({
  approved: z.boolean().default(true),
  reason: z.string().min(1).describe('Everybody can read it'),
});

const definitions = (held: Gate) => [
  workflow('decide')
    .task('ask', { run: () => ({}) })
    .signal('approve', { needs: ['ask'], payload: reasons, timeout: '7d' })
    .signal('a_second_opinion_of_somebody_else', { needs: ['ask'] })
    .signal('budget', { needs: ['ask'] })
    .signal('legal', { needs: ['ask'] })
    .task('done', { needs: ['approve'], run: () => ({}) })
    .build(),
  workflow('waits')
    .task('wait', {
      run: async (_input, { signal }) => {
        const stopped = new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
        });
        await Promise.race([held.pass(), stopped]);
        return {};
      },
    })
    .build(),
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
