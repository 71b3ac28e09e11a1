import { expect } from 'chai';
import type { Page } from 'playwright-core';

import { workflow } from '#sdk/index.ts';

import { en } from '../../web/i18n/en.ts';
import type { Text } from '../../web/i18n/message.ts';
import { zh } from '../../web/i18n/zh.ts';
import { openPage } from '../support/browser.ts';
import { openConsole, type TestConsole } from '../support/console.ts';
import { openDoors } from '../support/doors.ts';
import { gate } from '../support/held.ts';

const pages = [
  '/',
  '/workflows',
  '/workflows/hello-1',
  '/definitions',
  '/definitions/greet',
  '/cluster',
  '/playground',
  '/nothing',
];

const initialScriptLimit = 120 * 1024;

describe('the frame around the pages', function () {
  this.timeout(60_000);
  let world: TestConsole;

  before(async () => {
    world = await openConsole({ nodes: 2, definitions });
    await world.cluster.api.start({ name: 'greet', id: 'hello-1', input: {} });
    await world.cluster.api.result('hello-1', 10_000);
  });

  after(async () => await world[Symbol.asyncDispose]());

  describe('the language', () => {
    it('is that of the browser, and on every page there is no text of the other', async () => {
      await using watched = await openPage(world.browser, world.url, { locale: 'zh-CN' });
      const { page, complaints } = watched;
      await page.locator('html[lang="zh-CN"]').waitFor();
      for (const path of pages) {
        await page.goto(world.url + path);
        await page.locator('.live[data-status="live"]').waitFor();
        await page.locator('h1').waitFor();
        await page.getByText('加载中').first().waitFor({ state: 'hidden' });
        const texts = await textsOf(page);
        expect(texts.filter(isEnglish), path).to.deep.equal([]);
        expect(
          texts.filter((text) => /[\u4e00-\u9fff]/.test(text)),
          path,
        ).not.to.be.empty;
      }
      expect(complaints.filter((text) => !text.includes('404'))).to.deep.equal([]);
    });

    it('is changed without a reload, and kept', async () => {
      await using watched = await openPage(world.browser, `${world.url}/definitions/greet`);
      const { page, complaints } = watched;
      await page.getByRole('heading', { name: 'Graph' }).waitFor();
      let loads = 0;
      page.on('framenavigated', () => (loads += 1));
      await page.getByRole('button', { name: /Language: English/ }).click();
      await page.getByRole('heading', { name: '流程图' }).waitFor();
      expect(await page.evaluate('document.activeElement.id')).to.equal('language');
      expect(loads).to.equal(0);
      await page.reload();
      await page.getByRole('heading', { name: '流程图' }).waitFor();
      await page.getByRole('button', { name: /语言：中文/ }).click();
      await page.getByRole('heading', { name: 'Graph' }).waitFor();
      expect(complaints).to.deep.equal([]);
    });
  });

  describe('the keyboard', () => {
    it('reaches everything: skip, go, search, help and back', async () => {
      await using watched = await openPage(world.browser, world.url);
      const { page, complaints } = watched;
      const { keyboard } = page;
      const focused = async (): Promise<string> =>
        String(await page.evaluate('document.activeElement.textContent.trim()'));
      await page.locator('.live[data-status="live"]').waitFor();
      await page.locator('.tile').first().waitFor();

      await keyboard.press('Tab');
      expect(await focused()).to.equal('Skip to the content');
      await keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).to.equal('page');
      await keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.closest("main") !== null')).to.equal(true);

      await keyboard.type('gd');
      await page.waitForURL('**/definitions');
      // The address changes at once; the page comes with its script, and the focus with the page.
      await page.locator('h1:focus', { hasText: 'Definitions' }).waitFor();
      expect(await page.title()).to.equal('Definitions · TemJob');
      await page.locator('.unseen[aria-live]', { hasText: 'Definitions' }).waitFor();
      await page.getByRole('link', { name: 'greet' }).focus();
      await keyboard.press('Enter');
      await page.waitForURL('**/definitions/greet');

      await keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
      await keyboard.press('Escape');
      // Not by its role: a closing dialog loses that before it gives the focus back.
      await page.locator('dialog').waitFor({ state: 'detached' });

      await keyboard.press('/');
      await keyboard.type('hello-1');
      await keyboard.press('Enter');
      await page.waitForURL('**/workflows/hello-1');
      await page.goBack();
      await page.waitForURL('**/definitions/greet');
      expect(complaints).to.deep.equal([]);
    });

    it('keeps the focus of whoever has gone on while a page came', async () => {
      await using watched = await openPage(world.browser, world.url);
      const { page } = watched;
      await page.locator('.tile').first().waitFor();
      const comes = gate();
      await page.route('**/*.js', async (route) => {
        await comes.pass();
        await route.continue();
      });

      await page.keyboard.type('gd');
      await page.waitForURL('**/definitions');
      await page.keyboard.type('/hel');
      comes.open();
      await page
        .locator('.unseen[aria-live]', { hasText: 'Definitions' })
        .waitFor({ state: 'attached' });
      await page.keyboard.type('lo');

      expect(await page.getByRole('searchbox').inputValue()).to.equal('hello');
    });

    it('leads nowhere by an answer that comes when one has gone on', async () => {
      await using watched = await openPage(world.browser, world.url);
      const { page } = watched;
      await page.locator('.tile').first().waitFor();
      const answers = gate();
      await page.route('**/api/v1/workflows?id_prefix=hello-1&*', async (route) => {
        await answers.pass();
        await route.continue();
      });
      await page.getByLabel('Go to a workflow').fill('hello-1');
      const answered = page.waitForResponse('**/api/v1/workflows?id_prefix=hello-1&*');
      await page.getByLabel('Go to a workflow').press('Enter');
      await page.getByRole('link', { name: 'Cluster' }).click();
      await page.locator('h1', { hasText: 'Cluster' }).waitFor();

      answers.open();

      await (await answered).finished();
      await page.evaluate('new Promise((painted) => requestAnimationFrame(painted))');
      expect(new URL(page.url()).pathname).to.equal('/cluster');
    });

    it('goes to the search of the frame where the page has none to show', async () => {
      await using watched = await openPage(world.browser, `${world.url}/definitions`);
      const { page } = watched;
      await page.getByRole('link', { name: 'greet' }).waitFor();
      await page.keyboard.type('/hello');
      expect(await page.getByLabel('Go to a workflow').inputValue()).to.equal('hello');
    });

    it('does nothing by single keys while one writes, or when they are turned off', async () => {
      await using watched = await openPage(world.browser, `${world.url}/definitions/greet`);
      const { page } = watched;
      const area = page.getByLabel('Input (JSON)');
      await area.fill('');
      await area.press('g');
      await area.press('c');
      expect(await area.inputValue()).to.equal('gc');
      await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
      await page.getByLabel('Shortcuts of single keys').uncheck();
      await page.keyboard.press('Escape');
      await page.keyboard.type('gc?');
      expect(new URL(page.url()).pathname).to.equal('/definitions/greet');
      expect(await page.getByRole('dialog').count()).to.equal(0);
    });

    it('takes an id that is pasted anywhere to its workflow, and the id of a task, too', async () => {
      await using watched = await openPage(world.browser, `${world.url}/cluster`);
      const { page } = watched;
      await page.locator('.live[data-status="live"]').waitFor();
      for (const id of ['hello-1', 'hello-1.0']) {
        await page.evaluate(`{
          const clipboardData = new DataTransfer();
          clipboardData.setData('text', ${JSON.stringify(` ${id}\n`)});
          document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
        }`);
        await page.waitForURL('**/workflows/hello-1');
        await page.goBack();
        await page.waitForURL('**/cluster');
      }
      await page.getByRole('searchbox').fill('hello-');
      await page.getByRole('searchbox').press('Enter');
      await page.waitForURL('**/workflows?q=hello-');
    });
  });

  it('shows a page whose code could not come, for its node was away, when the node is back', async () => {
    const [api] = world.cluster.apis;
    if (api === undefined) throw new Error('the cluster has no node');
    const first = await openDoors([api]);
    const port = first.doors[0]?.port ?? 0;
    await using watched = await openPage(world.browser, 'about:blank');
    const { page } = watched;
    await page.route('**/assets/workflows-*.js', async (route) => await route.abort());
    await page.goto(`${first.url}/workflows`);
    await page.getByRole('heading', { name: 'This page could not be loaded' }).waitFor();
    await page.unroute('**/assets/workflows-*.js');
    await first[Symbol.asyncDispose]();
    await page.locator('.live[data-status="stale"]').waitFor();

    await using back = await openDoors([api], { port });

    await page.locator('tr[data-id="hello-1"]').waitFor();
    expect(back.doors).to.have.length(1);
  });

  it('brings at most 120 KiB of script, compressed, and more only when it is needed', async () => {
    await using watched = await openPage(world.browser, 'about:blank');
    const { page } = watched;
    const scripts = new Map<string, number>();
    page.on('requestfinished', (request) => {
      if (request.resourceType() !== 'script') return;
      const name = new URL(request.url()).pathname.replace(/^\/assets\/|-[A-Z0-9]+\.js$/g, '');
      request.sizes().then(
        ({ responseBodySize }) => scripts.set(`${name} ${scripts.size}`, responseBodySize),
        () => undefined,
      );
    });
    await page.goto(`${world.url}/definitions`, { waitUntil: 'networkidle' });
    await page.locator('tr[data-definition="greet"]').waitFor();
    const names = [...scripts.keys()].map((name) => name.replace(/ \d+$/, ''));
    expect(names).to.include.members(['main', 'definitions']);
    for (const later of ['zh', 'throughput-chart', 'overview', 'playground', 'login']) {
      expect(names).not.to.include(later);
    }
    await page.goto(`${world.url}/`, { waitUntil: 'networkidle' });
    await page.locator('.chart canvas').waitFor();
    const total = [...scripts.values()].reduce((sum, size) => sum + size, 0);
    expect(total).to.be.above(10_000);
    expect(total).to.be.below(initialScriptLimit);
  });
});

/** Everything that is written on the page, or said of it. */
async function textsOf(page: Page): Promise<readonly string[]> {
  const texts: unknown = await page.evaluate(`{
    const texts = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { parentElement, textContent } = walker.currentNode;
      if (!['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(parentElement.tagName)) texts.push(textContent.trim());
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      for (const name of ['aria-label', 'title', 'placeholder']) {
        texts.push((element.getAttribute(name) ?? '').trim());
      }
    }
    texts.filter((text) => text !== '');
  }`);
  return Array.isArray(texts) ? texts.map(String) : [];
}

const english = Object.entries(en).flatMap(([key, text]) =>
  isKey(key) && text !== zh[key] ? formsOf(text).map(patternOf) : [],
);

/** Whether a text is an English message, with whatever for its parameters. */
function isEnglish(text: string): boolean {
  return english.some((pattern) => pattern !== null && pattern.test(text));
}

/** Matches the text with anything for its parameters; null when nothing but parameters is in it. */
function patternOf(form: string): RegExp | null {
  const parts = form.split(/\{\w+\}/);
  if (!parts.some((part) => /[A-Za-z]{2}/.test(part))) return null;
  const escaped = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${escaped.join('.*')}$`);
}

function formsOf(text: Text): readonly string[] {
  return typeof text === 'string' ? [text] : [text.one, text.other];
}

function isKey(key: string): key is keyof typeof en {
  return key in en;
}

const definitions = [
  workflow('greet')
    .task('hello', { run: () => ({ said: true }) })
    .build(),
];
