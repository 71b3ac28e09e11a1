import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import type { Browser } from 'playwright-core';

import { workflow } from '#sdk/index.ts';

import { axeViolations } from '../support/axe.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, type TestDoors } from '../support/doors.ts';
import { type Gate, gate } from '../support/held.ts';

const hostile = '<img src=x onerror=alert(1)>';
const tabs = ['graph', 'timeline', 'events', 'tasks', 'logs', 'io'];

describe('the page of a workflow', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;
  let broken = true;
  const held = { talk: gate(), later: gate(), grow: gate() };

  before(async () => {
    browser = await sharedBrowser();
    cluster = await startCluster({ nodes: 2, definitions: definitions(() => broken, held) });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
    const tags = { customer: hostile };
    await cluster.api.start({ name: 'order', id: 'order', input: { [hostile]: hostile }, tags });
    await cluster.api.result('order', 20_000);
    await cluster.api.start({ name: 'patient', id: 'patient', input: {} });
  });

  after(async () => {
    for (const each of Object.values(held)) each.open();
    await cluster.api.cancel('patient').catch(() => undefined);
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  for (const tab of tabs) {
    it(`has nothing against WCAG 2.2 AA in the tab ${tab}, wide and narrow, in the dark and in the light`, async () => {
      const address = `${doors.url}/workflows/order?tab=${tab}&step=charge`;
      await using watched = await openPage(browser, address);
      const { page, complaints } = watched;
      await page.locator(`#tab-${tab}[aria-selected="true"]`).waitFor();
      await page.locator('.panel .attempts b').first().waitFor();
      expect(await axeViolations(page)).to.deep.equal([]);
      await page.setViewportSize({ width: 390, height: 800 });
      expect(await axeViolations(page)).to.deep.equal([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390);
      expect(await page.locator('img[src="x"]').count()).to.equal(0);
      expect(complaints).to.deep.equal([]);
    });
  }

  it('says why it is not further, with the time that is left', async () => {
    await using watched = await openPage(browser, `${doors.doors[1]?.url}/workflows/patient`);
    const { page } = watched;
    const why = page.locator('.why[data-code="WAITING_FOR_RETRY"]');
    await why.getByText('charge waits for its next attempt: attempt 1 of 4 failed').waitFor();
    expect(await why.textContent()).to.match(/no answer\. It goes on in (59m \d+s|1h), at \d\d:/);
    await why.getByRole('button', { name: 'charge' }).click();
    await page.locator('.panel', { hasText: 'Next attempt' }).waitFor();
  });

  it('shows each attempt in the timeline and in the panel, with its error', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows/order?tab=timeline`);
    const { page } = watched;
    const row = page.locator('.tl-row[data-step="charge"]');
    await row.locator('.tl-bar[data-outcome="failed"]').first().waitFor();
    await row.locator('.tl-bar[data-outcome="completed"]').first().waitFor();
    await row.locator('.tl-bar[data-kind="backoff"]').first().waitFor();
    await row.getByRole('button').click();
    await page.waitForURL('**/workflows/order?tab=timeline&step=charge');
    const attempts = page.locator('.panel .attempts li');
    expect(await attempts.count()).to.equal(2);
    await attempts.nth(1).getByText(hostile).waitFor();
    await attempts.nth(1).getByRole('button', { name: 'Show stack' }).click();
    await attempts.nth(1).locator('.stack', { hasText: 'at ' }).waitFor();
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.locator('.step[data-step="charge"][aria-pressed="true"]').waitFor();
    await page.keyboard.press('Escape');
    expect(page.url()).to.match(/order(\?step=charge)?$/);
  });

  it('shows its events, newest or oldest first, by kind, and the whole of one', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows/order?tab=events`);
    const { page, complaints } = watched;
    const rows = page.locator('.grid-events .rows > :visible');
    await rows.first().getByText('workflow completed').waitFor();
    await page.getByRole('button', { name: 'Newest first' }).click();
    await page.locator('.rows [aria-rowindex="2"]', { hasText: 'workflow accepted' }).waitFor();
    await page.getByLabel('Kind of event').selectOption({ label: 'Failed' });
    await rows.first().getByText('failed', { exact: true }).waitFor();
    expect(await rows.count()).to.equal(1);
    await rows.first().getByRole('button').click();
    await page.locator('.panel .tree', { hasText: 'retryAt' }).waitFor();
    expect(await page.locator('img[src="x"]').count()).to.equal(0);
    expect(complaints).to.deep.equal([]);
  });

  it('leaves events where they are while one is about to click, and shows the new ones after that', async () => {
    await cluster.api.start({ name: 'grows', id: 'grows', input: {} });
    await using watched = await openPage(browser, `${doors.url}/workflows/grows?tab=events`);
    const { page, complaints } = watched;
    const first = page.locator('.grid-events .rows [aria-rowindex="2"]');
    await first.getByText('started', { exact: true }).waitFor();
    const seq = await first.getAttribute('data-seq');
    await first.hover();

    held.grow.open();

    const newer = page.getByRole('button', { name: /\d new/ });
    await newer.waitFor();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    expect(await first.getAttribute('data-seq')).to.equal(seq);
    await page.mouse.move(0, 0);
    await first.getByText('workflow completed').waitFor();
    await newer.waitFor({ state: 'hidden' });
    expect(complaints).to.deep.equal([]);
  });

  it('goes on from the failed step when it is retried, with the graph following', async () => {
    await cluster.api.start({ name: 'mended', id: 'mended', input: {} });
    await cluster.api.result('mended', 20_000);
    await using watched = await openPage(browser, `${doors.doors[1]?.url}/workflows/mended`);
    const { page, complaints } = watched;
    await page.locator('.step[data-state="failed"]').waitFor();
    broken = false;
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    await page.locator('.step[data-step="breaks"][data-state="completed"]').waitFor();
    await page.locator('.banner').waitFor({ state: 'hidden' });
    expect(complaints).to.deep.equal([]);
  });

  it('keeps what one has marked in the log, and what it knows of a step, while more comes', async () => {
    await cluster.api.start({ name: 'talks', id: 'talks', input: {} });
    await using watched = await openPage(
      browser,
      `${doors.url}/workflows/talks?tab=logs&step=last`,
    );
    const { page } = watched;
    const untried = page.locator('.panel .attempts', { hasText: 'not tried yet' });
    await untried.waitFor();
    await page.locator('.log-tab .log-text', { hasText: 'the first line' }).selectText();

    held.talk.open();

    await page.locator('.log-tab .log-text', { hasText: 'the second line' }).waitFor();
    expect(await page.evaluate('String(window.getSelection())')).to.equal('the first line');
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.locator('.step[data-step="later"][data-state="running"]').waitFor();
    await untried.waitFor();
  });

  it('can be used without a mouse: tabs, steps and the panel', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows/order`);
    const { page } = watched;
    await page.locator('.step[data-step="end"]').waitFor();
    await page.locator('#tab-graph').focus();
    await page.keyboard.press('Tab');
    // The frame of the graph scrolls, and may be a stop before the first step.
    const focused = 'document.activeElement.dataset.step ?? ""';
    if ((await page.evaluate(focused)) === '') await page.keyboard.press('Tab');
    expect(await page.evaluate(focused)).to.equal('begin');
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(focused)).to.equal('charge');
    await page.keyboard.press('Enter');
    await page.locator('.panel h2', { hasText: 'charge' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.panel').waitFor({ state: 'detached' });
    expect(await page.evaluate(focused)).to.equal('charge');
    await page.locator('#tab-graph').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.waitForURL('**/workflows/order?tab=events');
    await page.keyboard.press('End');
    await page.waitForURL('**/workflows/order?tab=io');
  });

  it('speaks Chinese when the browser does', async () => {
    const address = `${doors.url}/workflows/patient`;
    await using watched = await openPage(browser, address, { locale: 'zh-CN' });
    const { page } = watched;
    await page.getByRole('tab', { name: '时间线' }).waitFor();
    await page.locator('.why', { hasText: 'charge 正在等待下一次尝试' }).waitFor();
  });
});

function definitions(
  isBroken: () => boolean,
  held: Readonly<Record<'talk' | 'later' | 'grow', Gate>>,
) {
  return [
    workflow('talks')
      .task('talk', {
        run: async (_input, { log }) => {
          log.info('the first line');
          await held.talk.pass();
          log.info('the second line');
          return {};
        },
      })
      .task('later', {
        needs: ['talk'],
        run: async () => {
          await held.later.pass();
          return {};
        },
      })
      .task('last', { needs: ['later'], run: () => ({}) })
      .build(),
    workflow('grows')
      .task('wait', {
        run: async () => {
          await held.grow.pass();
          return {};
        },
      })
      .build(),
    workflow('order')
      .task('begin', { run: () => ({ [hostile]: 1 }) })
      .task('charge', {
        needs: ['begin'],
        retry: { maxAttempts: 3, initialInterval: '300ms', jitter: 0 },
        run: async (_input, { attempt, log }) => {
          log.warn(hostile);
          await sleep(40);
          if (attempt === 1) throw new Error(hostile);
          return {};
        },
      })
      .task('end', { needs: ['charge'], run: () => ({}) })
      .build(),
    workflow('patient')
      .task('charge', {
        retry: { maxAttempts: 4, initialInterval: '1h', maxInterval: '1h', jitter: 0 },
        run: () => {
          throw new Error('no answer');
        },
      })
      .build(),
    workflow('mended')
      .task('begin', { run: () => ({}) })
      .task('breaks', {
        needs: ['begin'],
        retry: { maxAttempts: 1 },
        run: () => {
          if (isBroken()) throw new Error('broken');
          return {};
        },
      })
      .build(),
  ];
}
