import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';

import { NonRetryableError, workflow } from '#sdk/index.ts';

import { axeViolations } from '../support/axe.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, type TestDoors } from '../support/doors.ts';
import { type Gate, gate } from '../support/held.ts';

const hostile = '<img src=x onerror=alert(1)>';

describe('the list of workflows', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;
  let held: Gate;
  let fixed = false;

  before(async () => {
    browser = await sharedBrowser();
    held = gate();
    cluster = await startCluster({
      nodes: 2,
      definitions: definitions(held, () => fixed),
    });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
    for (let n = 0; n < 60; n += 1) {
      const tags = { batch: 'old', customer: n % 2 === 0 ? 'acme' : 'globex' };
      await cluster.api.start({ name: 'quick', id: `old-${n}`, input: {}, tags });
    }
    for (let n = 0; n < 60; n += 1) await cluster.api.result(`old-${n}`, 20_000);
    while ((await cluster.api.count({ states: ['completed'] })) < 60) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  after(async () => {
    held.open();
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const start = async (
    name: string,
    id: string,
    tags: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    await cluster.api.start({ name, id, input: {}, tags });
  };

  it('filters by what the address says, and says in the address what it filters by', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows?tag.customer=acme`);
    const { page } = watched;
    await page.locator('tr[data-id="old-58"]').waitFor();
    expect(await page.locator('tbody tr').count()).to.equal(30);
    await page.locator('.total[data-state="completed"] b', { hasText: '30' }).waitFor();
    await page.getByLabel('Id begins with').fill('old-1');
    await page.getByLabel('Id begins with').press('Enter');
    await page.waitForURL('**/workflows?q=old-1&tag.customer=acme');
    // The old rows go at once, the new ones come with the answer.
    await page.locator('tr[data-id="old-58"]').waitFor({ state: 'detached' });
    await page.locator('tr[data-id="old-10"]').waitFor();
    expect(await ids(page)).to.deep.equal(['old-18', 'old-16', 'old-14', 'old-12', 'old-10']);
    await page.getByRole('button', { name: 'No longer filter by customer acme' }).click();
    await page.waitForURL('**/workflows?q=old-1');
    await page.locator('tr[data-id="old-19"]').waitFor();
    await page.getByPlaceholder('Tag, such as').fill('nonsense');
    await page.getByPlaceholder('Tag, such as').press('Enter');
    expect(await page.locator(':invalid').count()).to.be.above(0);
    await page.getByPlaceholder('Tag, such as').fill('customer=nobody');
    await page.getByPlaceholder('Tag, such as').press('Enter');
    await page.getByText('No workflow fits the filter.').waitFor();
    await page.goBack();
    await page.locator('tr[data-id="old-19"]').waitFor();
    expect(watched.complaints).to.deep.equal([]);
  });

  it('goes to older pages and back by the history, and each row is on one page', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows?tag.batch=old`);
    const { page } = watched;
    await page.locator('tbody tr').nth(49).waitFor();
    const first = await ids(page);
    await page.getByRole('button', { name: 'Older' }).click();
    await page.locator(`tr[data-id="${first[0]}"]`).waitFor({ state: 'detached' });
    await page.locator('tbody tr').first().waitFor();
    const second = await ids(page);
    expect([...first, ...second]).to.have.length(60);
    expect(new Set([...first, ...second]).size).to.equal(60);
    expect(page.url()).to.contain('cursor=');
    await page.goBack();
    await page.locator(`tr[data-id="${first[0]}"]`).waitFor();
    await page.goto(`${doors.url}/workflows?tag.batch=old&cursor=nonsense`);
    await page.locator(`tr[data-id="${first[0]}"]`).waitFor();
    expect(page.url()).not.to.contain('cursor');
  });

  it('leaves the focus on the way to older pages while new rows come', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows`);
    const { page } = watched;
    await page.locator('.live[data-status="live"]').waitFor();
    await page.getByRole('button', { name: 'Older' }).focus();
    await start('quick', 'comes-meanwhile');
    // Whoever has scrolled down is not shown it at once.
    await page.getByRole('button', { name: '1 new' }).waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).to.contain('Older');
  });

  it('keeps a row that no longer fits at its place, and shows new ones when nobody is about to click', async () => {
    const tags = { group: 'gone' };
    for (const id of ['gone-1', 'gone-2']) await start('waits', id, tags);
    const address = `${doors.doors[1]?.url}/workflows?state=running&tag.group=gone`;
    await using watched = await openPage(browser, address);
    const { page } = watched;
    await page.locator('tr[data-id="gone-2"]').waitFor();
    await cluster.api.cancel('gone-1');
    await page.locator('tr[data-id="gone-1"].gone', { hasText: 'no longer fits' }).waitFor();
    expect(await ids(page)).to.deep.equal(['gone-2', 'gone-1']);
    await page.locator('tbody').hover();
    await start('waits', 'gone-3', tags);
    await page.getByRole('button', { name: '1 new' }).waitFor();
    expect(await ids(page)).to.deep.equal(['gone-2', 'gone-1']);
    await page.mouse.move(0, 0);
    await page.locator('tr[data-id="gone-3"]').waitFor();
    expect(await ids(page)).to.deep.equal(['gone-3', 'gone-2', 'gone-1']);
    for (const id of ['gone-2', 'gone-3']) await cluster.api.cancel(id);
  });

  it('cancels those that were selected and no others, says how each ended, and can be used without a mouse', async () => {
    const tags = { group: 'bulk' };
    for (let n = 0; n < 12; n += 1) await start('waits', `bulk-${n}`, tags);
    await using watched = await openPage(browser, `${doors.url}/workflows?tag.group=bulk`);
    const { page, complaints } = watched;
    await page.locator('tbody tr').nth(11).waitFor();
    const shown = await ids(page);
    await page.getByLabel(`Select ${shown[0]}`, { exact: true }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByText('3 selected').waitFor();
    await page.getByLabel(`Select ${shown[9]}`, { exact: true }).click({ modifiers: ['Shift'] });
    await page.getByText('10 selected').waitFor();
    await page.getByRole('button', { name: 'Cancel 10' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Cancel 10 workflows?').waitFor();
    // What happens meanwhile changes nothing of what is asked about.
    await cluster.api.cancel(shown[9] ?? '');
    await start('waits', 'bulk-late', tags);
    expect(await axeViolations(page)).to.deep.equal([]);
    await dialog.getByRole('button', { name: 'Cancel 10' }).click();
    await dialog.getByText('10 of 10 done').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('10 selected').waitFor({ state: 'hidden' });
    const spared = ['bulk-late', ...shown.slice(10)];
    // Of their owners, who know at once: lists may be a second behind.
    for (const id of [...shown, 'bulk-late']) {
      const { workflow: one } = await cluster.api.workflow(id);
      expect(one.state === 'canceled', id).to.equal(!spared.includes(id));
    }
    for (const id of spared) await cluster.api.cancel(id);
    expect(complaints).to.deep.equal([]);
  });

  it('retries those that failed', async () => {
    const tags = { group: 'again' };
    for (let n = 0; n < 3; n += 1) await start('broken', `again-${n}`, tags);
    await using watched = await openPage(
      browser,
      `${doors.url}/workflows?state=failed&tag.group=again`,
    );
    const { page } = watched;
    await page.locator('tbody tr').nth(2).waitFor();
    fixed = true;
    await page.getByLabel('Select all of this page').click();
    expect(await page.getByRole('button', { name: 'Cancel 0' }).isDisabled()).to.equal(true);
    await page.getByRole('button', { name: 'Retry 3' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 3' }).click();
    await page.getByRole('dialog').getByText('3 of 3 done').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.locator('tr[data-state="completed"].gone').nth(2).waitFor();
  });

  it('shows tags as text, whatever they say, and filters by one that is clicked', async () => {
    await start('quick', 'tagged', { note: hostile });
    await using watched = await openPage(browser, `${doors.url}/workflows?q=tagged`);
    const { page, complaints } = watched;
    await page.locator('tr[data-id="tagged"] .tag', { hasText: hostile }).click();
    await page.getByRole('button', { name: `No longer filter by note ${hostile}` }).waitFor();
    await page.locator('tr[data-id="tagged"]').waitFor();
    expect(await page.locator('img[src="x"]').count()).to.equal(0);
    expect(await axeViolations(page)).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });
});

async function ids(page: Page): Promise<readonly string[]> {
  const shown = await page
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id') ?? ''));
  return shown;
}

function definitions(held: Gate, isFixed: () => boolean) {
  return [
    workflow('quick')
      .task('only', { run: () => ({}) })
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
    workflow('broken')
      .task('breaks', {
        run: () => {
          if (!isFixed()) throw new NonRetryableError('broken');
          return {};
        },
      })
      .build(),
  ];
}
