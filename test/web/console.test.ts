import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';

import { NonRetryableError, workflow } from '#sdk/index.ts';

import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, request, type TestDoors } from '../support/doors.ts';
import { type Gate, gate } from '../support/held.ts';

const hostile = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

describe('the console in Chromium', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;
  let held: Gate;

  before(async () => {
    browser = await sharedBrowser();
    held = gate();
    cluster = await startCluster({ nodes: 2, definitions: definitions(held) });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
  });

  after(async () => {
    held.open();
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const start = async (name: string, id: string, input = {}): Promise<void> => {
    const { status } = await request(doors.url, 'POST', '/api/v1/workflows', {
      body: { name, id, input },
    });
    expect(status).to.equal(201);
  };

  it('shows a workflow turn green on a node that does not own it, without a reload', async () => {
    await start('parallel', 'green');
    await using watched = await openPage(browser, await strangerTo('green', '/workflows/green'));
    const { page, complaints } = watched;
    const step = (name: string, state: string) =>
      page.locator(`.step[data-step="${name}"][data-state="${state}"]`);
    await step('left', 'running').waitFor();
    await step('join', 'pending').waitFor();
    expect(await page.locator('h1 .badge').textContent()).to.equal('running');
    expect(await page.locator('.edge').count()).to.equal(4);
    let reloads = 0;
    page.on('framenavigated', () => {
      reloads += 1;
    });

    held.open();

    for (const name of ['begin', 'left', 'right', 'join']) await step(name, 'completed').waitFor();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    expect(await page.locator('.edge[data-passed="true"]').count()).to.equal(4);
    await page.locator('.live[data-status="live"]').waitFor();
    expect(reloads).to.equal(0);
    expect(complaints).to.deep.equal([]);
  });

  it('shows new workflows, their states and the counts in the list', async () => {
    await using watched = await openPage(browser, `${doors.doors[1]?.url}/workflows`);
    const { page, complaints } = watched;
    await page.locator('.live[data-status="live"]').waitFor();
    const shown = page.locator('.total[data-state="completed"] b', { hasText: /^\d+$/ });
    const counted = await shown.textContent();
    await start('quick', 'listed');
    await page.locator('tr[data-id="listed"][data-state="completed"]').waitFor();
    const more = Number(counted) + 1;
    await page.locator('.total[data-state="completed"] b', { hasText: String(more) }).waitFor();
    await page.locator('tr[data-id="listed"] a').click();
    await page.waitForURL('**/workflows/listed');
    await page.locator('.step[data-state="completed"]').waitFor();
    await page.goBack();
    await page.locator('tr[data-id="listed"]').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('shows those in one state, and follows them', async () => {
    await start('quick', 'filtered-1');
    await request(doors.url, 'GET', '/api/v1/workflows/filtered-1/result?wait=10s');
    await using watched = await openPage(browser, `${doors.url}/workflows?state=completed`);
    const { page, complaints } = watched;
    await page.locator('tr[data-id="filtered-1"]').waitFor();
    await start('endless', 'filtered-2');
    await start('quick', 'filtered-3');
    await page.locator('tr[data-id="filtered-3"]').waitFor();
    expect(await page.locator('tbody tr:not([data-state="completed"])').count()).to.equal(0);
    await page.locator('.total[data-state="running"]').click();
    await page.waitForURL('**/workflows?state=running');
    await page.locator('tr[data-id="filtered-2"][data-state="running"]').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('starts a workflow from its form, and cancels one', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows`);
    const { page, complaints } = watched;
    await page.getByRole('button', { name: 'Start workflow' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Definition').selectOption('quick');
    await dialog.getByLabel('Tags').fill('from=form, kind = quick');
    await dialog.getByLabel('Input (JSON)').fill('{"from": "the form"');
    await dialog.getByRole('button', { name: 'Start', exact: true }).click();
    await dialog.locator('.wrong', { hasText: 'JSON' }).waitFor();
    await dialog.getByLabel('Input (JSON)').fill('{"from": "the form"}');
    await dialog.getByRole('button', { name: 'Start', exact: true }).click();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    expect(await page.locator('.tag').allTextContents()).to.deep.equal(['fromform', 'kindquick']);
    await page.getByRole('tab', { name: 'Input and output' }).click();
    await page.locator('.json', { hasText: 'the form' }).first().waitFor();

    await start('endless', 'stop-me');
    await page.goto(`${doors.url}/workflows/stop-me`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('no longer wanted');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the workflow' }).click();
    await page.locator('h1 .badge[data-state="canceled"]').waitFor();
    await page.locator('.banner', { hasText: 'Canceled: no longer wanted' }).waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('shows what went into a step, what came out, its error and its log', async () => {
    await start('hostile', 'panel', { note: 'hello' });
    await using watched = await openPage(browser, `${doors.url}/workflows/panel`);
    const { page } = watched;
    await page.locator('.step[data-step="fails"][data-state="failed"]').click();
    const panel = page.locator('.panel');
    await panel.getByText('hello').waitFor();
    await panel.locator('.failure', { hasText: 'NonRetryableError' }).waitFor();
    await panel.locator('.failure').getByRole('button', { name: 'Show stack' }).click();
    await panel.locator('.failure .stack', { hasText: 'at ' }).waitFor();
    await panel.locator('.log', { hasText: 'onerror' }).waitFor();
  });

  it('shows names, inputs, errors, reasons and log lines as text, whatever they say', async () => {
    await start('hostile', 'evil', { [hostile]: hostile });
    await request(doors.url, 'GET', '/api/v1/workflows/evil/result?wait=10s');
    await start('endless', 'evil-reason', { [hostile]: hostile });
    await request(doors.url, 'POST', '/api/v1/workflows/evil-reason/cancel', {
      body: { reason: hostile },
    });
    await using watched = await openPage(browser, `${doors.url}/workflows/evil`);
    const { page, complaints } = watched;
    await page.locator('.banner', { hasText: hostile }).waitFor();
    await page.locator('.step[data-step="fails"]').click();
    await page.locator('.panel .json', { hasText: 'onerror' }).first().waitFor();
    await page.locator('.panel .failure', { hasText: hostile }).waitFor();
    await page.locator('.panel .log', { hasText: hostile }).waitFor();
    expect(await page.locator('img[src="x"], main script').count()).to.equal(0);

    await page.goto(`${doors.url}/workflows`);
    await page.locator('tr[data-id="evil"] .row-error', { hasText: hostile }).waitFor();
    await page.goto(`${doors.url}/workflows/evil-reason`);
    await page.locator('.banner', { hasText: hostile }).waitFor();
    await page.goto(`${doors.url}/workflows/${encodeURIComponent(hostile)}`);
    await page.locator('.empty').waitFor();
    expect(await page.locator('img[src="x"], main script').count()).to.equal(0);
    expect(complaints.filter((text) => !text.includes('404'))).to.deep.equal([]);
  });

  it('says that it is stale while its node is away, and is as a fresh load when it is back', async () => {
    const [api] = cluster.apis;
    if (api === undefined) throw new Error('the cluster has no node');
    const first = await openDoors([api]);
    const port = first.doors[0]?.port ?? 0;
    await using watched = await openPage(browser, `${first.url}/workflows`);
    const { page } = watched;
    await page.locator('.live[data-status="live"]').waitFor();
    await first[Symbol.asyncDispose]();
    await page.locator('.live[data-status="stale"]', { hasText: 'stale since' }).waitFor();
    await start('quick', 'meanwhile');

    await using back = await openDoors([api], { port });

    await page.locator('.live[data-status="live"]').waitFor();
    await page.locator('tr[data-id="meanwhile"][data-state="completed"]').waitFor();
    expect(back.doors).to.have.length(1);
    await using fresh = await openPage(browser, `${back.url}/workflows`);
    await fresh.page.locator('.live[data-status="live"]').waitFor();
    await fresh.page.locator('tr[data-id="meanwhile"][data-state="completed"]').waitFor();
    const table = await tableOf(fresh.page);
    expect(table).to.contain('meanwhile completed');
    expect(await tableOf(page)).to.equal(table);
  });

  it('shows the nodes of the cluster with their shards', async () => {
    await using watched = await openPage(browser, `${doors.url}/cluster`);
    for (const name of ['a', 'b']) {
      await watched.page.locator(`.node[data-node="${name}"][data-state="up"]`).waitFor();
    }
  });

  it('keeps the theme that was chosen', async () => {
    await using watched = await openPage(browser, `${doors.url}/`);
    const { page } = watched;
    await page.getByRole('button', { name: /Theme: system/ }).click();
    await page.getByRole('button', { name: /Theme: light/ }).click();
    await page.reload();
    await page.getByRole('button', { name: /Theme: dark/ }).waitFor();
    await page.locator('html[data-theme="dark"]').waitFor();
  });

  it('fits a narrow page without scrolling sideways', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows/green`);
    const { page } = watched;
    await page.setViewportSize({ width: 390, height: 800 });
    for (const path of ['/workflows', '/workflows/green', '/workflows/evil', '/cluster']) {
      await page.goto(doors.url + path);
      await page.locator('.live[data-status="live"]').waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).to.equal(390);
    }
  });

  it('answers a page that it does not have with 404', async () => {
    const headers = { Accept: 'text/html' };
    expect((await fetch(`${doors.url}/nothing`, { headers })).status).to.equal(404);
    expect((await fetch(`${doors.url}/workflows/x.y`, { headers })).status).to.equal(200);
  });

  it('is the page of who takes anything, and of a program that asks for JSON only a problem', async () => {
    expect(await typeOf(doors.url, '/', '*/*')).to.equal('200 text/html; charset=utf-8');
    expect(await typeOf(doors.url, '/workflows/x.y', '*/*')).to.equal(
      '200 text/html; charset=utf-8',
    );
    expect(await typeOf(doors.url, '/', 'application/json')).to.match(
      /^404 application\/problem\+json/,
    );
    expect(await typeOf(doors.url, '/nothing', '*/*')).to.match(/^404 application\/problem\+json/);
  });

  /** The same path on a node that runs no task of the workflow, so does not own it. */
  async function strangerTo(id: string, path: string): Promise<string> {
    for (;;) {
      const { body } = await request(doors.url, 'GET', `/api/v1/tasks/${id}.0`);
      const node = body['worker_id'];
      if (typeof node !== 'string') continue;
      const stranger = node.startsWith('a') ? 1 : 0;
      return `${doors.doors[stranger]?.url}${path}`;
    }
  }
});

async function typeOf(url: string, path: string, accept: string): Promise<string> {
  const { status, headers } = await fetch(url + path, { headers: { Accept: accept } });
  return `${status} ${headers.get('Content-Type')}`;
}

/** What the list says, a line for each row, but for the times that go on while one looks. */
async function tableOf(page: Page): Promise<string> {
  const table = await page.evaluate(`[...document.querySelectorAll('tbody tr')].map((row) => {
    const shown = row.cloneNode(true);
    for (const time of shown.querySelectorAll('[data-since]')) time.remove();
    return [row.dataset.id, row.dataset.state, shown.textContent].join(' ');
  }).join('\\n')`);
  return String(table);
}

function definitions(held: Gate) {
  const pass = async () => {
    await held.pass();
    return {};
  };
  return [
    workflow('parallel')
      .task('begin', { run: () => ({}) })
      .task('left', { needs: ['begin'], run: pass })
      .task('right', { needs: ['begin'], run: pass })
      .task('join', { needs: ['left', 'right'], run: () => ({}) })
      .build(),
    workflow('quick')
      .task('only', { run: () => ({ done: true }) })
      .build(),
    workflow('endless')
      .task('wait', {
        run: async (_input, { signal }) => {
          const { promise, reject } = Promise.withResolvers<never>();
          signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
          return await promise;
        },
      })
      .build(),
    workflow('hostile')
      .task('fails', {
        run: (_input, context) => {
          context.log.error(hostile);
          throw new NonRetryableError(hostile);
        },
      })
      .build(),
  ];
}
