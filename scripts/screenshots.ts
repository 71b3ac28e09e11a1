import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { type Browser, chromium, type Page } from 'playwright-core';
import { z } from 'zod';

import { sampleRuns } from '../examples/index.ts';

/*
 * Pictures of the console as it is: a development cluster of its own, with the samples run to their ends, seen by Chromium.
 *
 *     npm run screenshots                    the two pictures of the documents, in docs/images
 *     npm run screenshots -- --all DIR       every page and dialog, 1440 and 390 wide, dark and light, English and Chinese
 *     npm run screenshots -- --all DIR list login    those alone whose names begin so
 */
const list = z.object({
  workflows: z.array(z.object({ id: z.string(), name: z.string(), state: z.string() })),
});

/** Samples that take their time, or wait for somebody. */
const slow = new Set(['long_report', 'expense_approval']);

const root = resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  options: { all: { type: 'string' } },
  allowPositionals: true,
});

const data = await mkdtemp(join(tmpdir(), 'temjob-screenshots-'));
const cluster = await startCluster(data);
try {
  const ids = await samples(cluster.url);
  const browser = await chromium.launch({
    executablePath: process.env['TEMJOB_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    if (values.all === undefined) await forDocuments(browser, ids);
    else await ofEverything(browser, ids, resolve(values.all));
  } finally {
    await browser.close();
  }
} finally {
  await cluster.stop();
  await rm(data, { recursive: true, force: true });
}

async function forDocuments(browser: Browser, ids: Samples): Promise<void> {
  const directory = join(root, 'docs', 'images');
  await mkdir(directory, { recursive: true });
  const looks = [
    { file: 'console.png', path: `/workflows/${ids.order_processing}`, locale: 'en-US' },
    { file: 'console.zh-CN.png', path: `/workflows/${ids.order_processing}`, locale: 'zh-CN' },
  ];
  for (const { file, path, locale } of looks) {
    const look = { width: 1280, height: 800, theme: 'dark', locale } as const;
    await picture(browser, { path }, look, join(directory, file));
  }
}

async function ofEverything(browser: Browser, ids: Samples, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, scene] of Object.entries(scenesOf(ids))) {
    if (positionals.length > 0 && !positionals.some((wanted) => name.startsWith(wanted))) continue;
    for (const width of [1440, 390]) {
      for (const theme of ['dark', 'light'] as const) {
        for (const locale of theme === 'dark' ? ['en-US', 'zh-CN'] : ['en-US']) {
          const look = { width, height: width === 390 ? 844 : 900, theme, locale };
          const file = `${name}-${width}-${theme}-${locale.slice(0, 2)}.png`;
          await picture(browser, scene, look, join(directory, file));
        }
      }
    }
    process.stdout.write(`${name}\n`);
  }
}

interface Scene {
  readonly path: string | (() => Promise<string>);
  /** It never shows the same for long. */
  readonly moves?: boolean;
  /** Before the page is there. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** When it is there. */
  readonly act?: (page: Page) => Promise<void>;
}

function scenesOf(ids: Samples): Readonly<Record<string, Scene>> {
  const ended = `/workflows/${ids.order_processing}`;
  const failed = `/workflows/${ids.failed}`;
  const tabs = ['timeline', 'events', 'tasks', 'logs', 'io'];
  const tabsOf = (name: string, path: string): Record<string, Scene> =>
    Object.fromEntries(tabs.map((tab) => [`${name}-${tab}`, { path: `${path}?tab=${tab}` }]));
  return {
    overview: { path: '/' },
    list: { path: '/workflows' },
    'list-failed': { path: '/workflows?state=failed' },
    'list-filtered': {
      path: '/workflows?q=sample-&name=flaky_payment&state=failed,completed',
    },
    'list-none': { path: '/workflows?state=running&tag.customer=nobody' },
    'list-selected': {
      path: '/workflows',
      act: click('tbody tr:nth-child(1) .cell-box input', 'tbody tr:last-child .cell-box input'),
    },
    'list-retry': {
      path: '/workflows?state=failed',
      act: click('tbody .cell-box input', '.bulk-bar button:nth-of-type(2)'),
    },
    'list-start': { path: '/workflows', act: click('.page-head .primary') },
    workflow: { path: ended },
    ...tabsOf('workflow', ended),
    failed: { path: failed },
    'failed-step': { path: `${failed}?step=charge` },
    'failed-event': { path: `${failed}?tab=events`, act: click('.grid-events .rows button') },
    ...tabsOf('failed', failed),
    running: { path: startLong, moves: true },
    'running-cancel': { path: startLong, moves: true, act: click('.buttons .danger') },
    'running-timeline': {
      path: async () => `${await startLong()}?tab=timeline`,
      moves: true,
    },
    definitions: { path: '/definitions' },
    definition: { path: '/definitions/order_processing' },
    'definition-signal': { path: '/definitions/expense_approval' },
    'definition-wrong': {
      path: '/definitions/order_processing',
      act: click('.columns form .primary'),
    },
    cluster: { path: '/cluster' },
    'cluster-drain': { path: '/cluster', act: click('.node [data-part="drain"]') },
    playground: { path: '/playground' },
    shortcuts: { path: '/', act: async (page) => await page.keyboard.press('?') },
    login: {
      path: '/workflows',
      // As if the server had keys: that it says no is all that the page goes by.
      prepare: async (page) => {
        const problem = { status: 401, code: 'UNAUTHENTICATED', title: 'Unauthorized', detail: '' };
        await page.route('**/api/**', async (route) => {
          await route.fulfill({
            status: 401,
            contentType: 'application/problem+json',
            json: problem,
          });
        });
      },
    },
    // What is started here stays in the lists of all that come after.
    approval: { path: startApproval, moves: true, act: waiting },
    'approval-step': {
      path: async () => `${await startApproval()}?step=approve`,
      moves: true,
      act: waiting,
    },
    'approval-signal': { path: startApproval, moves: true, act: click('.signals button') },
    'approval-wrong': {
      path: startApproval,
      moves: true,
      act: async (page) => {
        await click('.signals button', 'dialog .segments button:last-child')(page);
        await page.locator('dialog textarea').fill('{"approved": "perhaps"}');
        await click('dialog .primary')(page);
      },
    },
    'approval-timeline': {
      path: async () => `${await startApproval()}?tab=timeline`,
      moves: true,
      act: waiting,
    },
    'approval-sent': {
      path: async () => `${await startApproval()}?step=approve`,
      moves: true,
      act: async (page) => {
        await click('.panel .signals button', 'dialog .primary')(page);
        await page.locator('h1 .badge[data-state="completed"]').waitFor();
      },
    },
    missing: { path: '/nothing' },
    'missing-workflow': { path: '/workflows/nothing' },
    docs: { path: '/docs/' },
  };
}

function click(...selectors: readonly string[]): (page: Page) => Promise<void> {
  return async (page) => {
    for (const selector of selectors) await page.locator(selector).first().click();
  };
}

async function waiting(page: Page): Promise<void> {
  await page.locator('.why[data-code="WAITING_FOR_SIGNAL"]').waitFor();
}

/** Where a workflow is seen that runs for a while yet. */
async function startLong(): Promise<string> {
  return await started('long_report', { title: 'The year in numbers', pages: 60 });
}

/** Where a workflow is seen that waits for a signal. */
async function startApproval(): Promise<string> {
  const input = { employee: 'Grace', purpose: 'A flight to the conference', amount: 480 };
  return await started('expense_approval', input);
}

async function started(name: string, input: Readonly<Record<string, unknown>>): Promise<string> {
  const response = await fetch(new URL('/api/v1/workflows', cluster.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, input }),
  });
  const { id } = z.object({ id: z.string() }).parse(await response.json());
  return `/workflows/${id}`;
}

interface Look {
  readonly width: number;
  readonly height: number;
  readonly theme: 'dark' | 'light';
  readonly locale: string;
}

async function picture(browser: Browser, scene: Scene, look: Look, file: string): Promise<void> {
  const { width, height, theme: colorScheme, locale } = look;
  const viewport = { width, height };
  const context = await browser.newContext({ viewport, colorScheme, locale });
  const page = await context.newPage();
  await scene.prepare?.(page);
  const path = typeof scene.path === 'string' ? scene.path : await scene.path();
  await page.goto(new URL(path, cluster.url).href);
  const looks = scene.moves === true ? 4 : 20;
  await settled(page, looks);
  if (scene.act !== undefined) {
    await scene.act(page);
    await settled(page, looks);
  }
  // The whole of it begins at its beginning.
  if (width === 390) await page.evaluate('window.scrollTo(0, 0)');
  await page.screenshot({ path: file, fullPage: width === 390, animations: 'disabled' });
  await context.close();
}

/** Until the page has shown the same for half a second: live pages have no moment at which they are loaded. */
async function settled(page: Page, looks: number): Promise<void> {
  let before = '';
  for (let look = 0; look < looks; look += 1) {
    await page.waitForTimeout(500);
    const now = await page.locator('body').innerText();
    if (now === before) return;
    before = now;
  }
}

type Samples = Readonly<Record<string, string | undefined>>;

/** Ids of the samples' workflows by name, and of the one that `failed`, once all have ended that end soon. */
async function samples(url: string): Promise<Samples> {
  for (;;) {
    const response = await fetch(new URL('/api/v1/workflows?limit=200', url));
    const { workflows } = list.parse(await response.json());
    const awaited = workflows.filter(
      ({ name, state }) => !slow.has(name) && ['pending', 'running'].includes(state),
    );
    if (workflows.length >= sampleRuns.length && awaited.length === 0) {
      const failed = workflows.find(({ state }) => state === 'failed')?.id;
      return { ...Object.fromEntries(workflows.map(({ name, id }) => [name, id])), failed };
    }
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function startCluster(
  directory: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(
    process.execPath,
    [join(root, 'src', 'main.ts'), 'dev', '--port', '8188', '--data', directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const url = await new Promise<string>((ready, failed) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /TemJob is ready at (\S+)/.exec(line)?.[1];
      if (found !== undefined) ready(found);
    });
    void exited.then(() => failed(new Error('the cluster did not start')));
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
