import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executablePath = process.env['TEMJOB_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

let shared: Promise<Browser> | undefined;

/** One browser for all tests of this process, launched at the first call and closed after the last test. */
export async function sharedBrowser(): Promise<Browser> {
  shared ??= launchBrowser();
  return await shared;
}

/** What was on the page that a test closed last. */
let lastSeen = '';

// Root hooks: whoever imports this file first is loaded by mocha outside of every suite.
afterEach(function () {
  // A locator that is never there says nothing of what is there instead.
  if (this.currentTest?.state === 'failed' && lastSeen !== '')
    process.stderr.write(`${lastSeen}\n`);
  lastSeen = '';
});

after(async () => {
  await (await shared)?.close();
});

/** A real Chromium, without anything that talks to the world. */
async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors and warnings of the console, dialogs, and requests to anywhere else. */
  readonly complaints: readonly string[];
}

/** A page in a profile of its own, with everything noted that a good page does not do. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const viewport = { width: 1280, height: 900 };
  const context = await browser.newContext({ viewport, locale: 'en-US', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined);
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(request.url());
  });
  await page.goto(url);
  return {
    page,
    complaints,
    [Symbol.asyncDispose]: async () => {
      lastSeen = await page
        .locator('body')
        .ariaSnapshot({ timeout: 5_000 })
        .then((seen) => `${page.url()}\n${seen}`, String);
      await context.close();
    },
  };
}
