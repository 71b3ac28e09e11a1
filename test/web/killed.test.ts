import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import type { Page } from 'playwright-core';

import { buildWebWhenStale } from '../../scripts/build-web.ts';
import { Script } from '../dev/script.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { request } from '../support/doors.ts';
import { freshDatabase, freshPrefix, sharedServers } from '../support/servers.ts';

const main = new URL('../../src/main.ts', import.meta.url);
const examples = fileURLToPath(new URL('../../examples/index.ts', import.meta.url));

describe('a page whose node is killed', function () {
  this.timeout(90_000);

  it('ends equal to a fresh one when the node is back, with what happened meanwhile', async () => {
    await buildWebWhenStale();
    const urls = await sharedServers();
    const env = {
      TEMJOB__REDIS__URL: urls.redis,
      TEMJOB__REDIS__PREFIX: freshPrefix(),
      TEMJOB__DATABASE__MYSQL__URL: await freshDatabase(urls),
      TEMJOB__NODE__MODULES: examples,
    };
    await using other = startNode({ ...env, TEMJOB__NODE__NAME: 'other' });
    const elsewhere = await served(other);
    await using first = startNode({ ...env, TEMJOB__NODE__NAME: 'serving' });
    const url = await served(first);
    const body = { name: 'long_report', id: 'report', input: { title: 'x', pages: 24 } };
    expect((await request(elsewhere, 'POST', '/api/v1/workflows', { body })).status).to.equal(201);
    const browser = await sharedBrowser();
    await using watched = await openPage(browser, `${url}/workflows/report`);
    await using list = await openPage(browser, `${url}/workflows`);
    await watched.page
      .locator(
        '.step[data-step="write_pages"]:is([data-state="running"], [data-state="completed"])',
      )
      .waitFor();
    await list.page.locator('tr[data-id="report"]').waitFor();

    first.kill();
    await watched.page.locator('.live[data-status="stale"]').waitFor();
    const later = {
      name: 'welcome_workflow',
      id: 'meanwhile',
      input: { user: 'x', email: 'x@y.z' },
    };
    await request(elsewhere, 'POST', '/api/v1/workflows', { body: later });
    await request(elsewhere, 'GET', '/api/v1/workflows/report/result?wait=50s');
    await using back = startNode({
      ...env,
      TEMJOB__NODE__NAME: 'serving',
      TEMJOB__SERVER__PORT: new URL(url).port,
    });
    await served(back);

    for (const { page } of [watched, list]) {
      await page.locator('.live[data-status="live"]').waitFor();
    }
    await watched.page.locator('h1 .badge[data-state="completed"]').waitFor();
    await watched.page.locator('.step[data-step="bind"][data-state="completed"]').waitFor();
    await list.page.locator('tr[data-id="report"][data-state="completed"]').waitFor();
    for (const { page } of [watched, list]) {
      await using fresh = await openPage(browser, page.url());
      await fresh.page.locator('.live[data-status="live"]').waitFor();
      await fresh.page
        .locator('.step[data-state="completed"], tr[data-id="report"]')
        .first()
        .waitFor();
      await sameText(page, fresh.page);
    }
  });
});

/** Both say the same, but for the times that go on; what is still being drawn is waited for. */
async function sameText(page: Page, fresh: Page): Promise<void> {
  const patience = performance.now() + 10_000;
  for (;;) {
    const [old, now] = [await textOf(page), await textOf(fresh)];
    if (old === now) return;
    if (performance.now() > patience) expect(old).to.equal(now);
    await page.waitForTimeout(200);
  }
}

async function textOf(page: Page): Promise<string> {
  const text = await page.evaluate(`(() => {
    const shown = document.querySelector('main').cloneNode(true);
    for (const time of shown.querySelectorAll('[data-since]')) time.remove();
    return shown.textContent;
  })()`);
  return String(text);
}

function startNode(env: Record<string, string>): Script {
  return new Script(main, {
    args: ['start'],
    env: { TEMJOB__SERVER__PORT: '0', ...env },
    channel: false,
  });
}

async function served(node: Script): Promise<string> {
  const [, url] = await node.prints(/"url":"(http:[^"]+)","msg":"the API answers"/);
  if (url === undefined) throw new Error('no URL');
  return url;
}
