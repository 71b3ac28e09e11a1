import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';

import { Gatekeeper } from '#http/auth/gatekeeper.ts';
import { workflow } from '#sdk/index.ts';

import { axeViolations } from '../support/axe.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, type TestDoors } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

const reader = newKey('reader', 'read');
const operator = newKey('operator', 'operate');

describe('signing in to the console', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    browser = await sharedBrowser();
    cluster = await startCluster({ definitions });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis, { keys: [reader.key, operator.key] });
    await cluster.api.start({ name: 'greet', id: 'shown', input: {} });
    await cluster.api.result('shown', 10_000);
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  it('is asked for once, wherever one comes in, and then shows what was wanted, live', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows/shown`);
    const { page, complaints } = watched;
    await signIn(page, 'tk_wrong');
    await page.getByText('This key is not known here.').waitFor();
    await signIn(page, operator.text);

    await page.locator('.step[data-state="completed"]').waitFor();
    await page.locator('.live[data-status="live"]').waitFor();
    expect(new URL(page.url()).pathname).to.equal('/workflows/shown');
    expect(await page.locator('dialog.login').count()).to.equal(0);
    // The refused calls and the refused key; nothing else.
    expect(complaints.filter((complaint) => !complaint.includes('401'))).to.deep.equal([]);

    await page.reload();
    await page.locator('.live[data-status="live"]').waitFor();
    expect(await page.locator('dialog.login').count()).to.equal(0);
    const readable = await page.evaluate('document.cookie + JSON.stringify({ ...localStorage })');
    expect(readable).to.not.contain('temjob_session').and.not.contain(operator.text);
  });

  it('leads on to the page of the API when that was wanted', async () => {
    await using watched = await openPage(browser, `${doors.url}/docs`);
    const { page } = watched;
    await signIn(page, reader.text);
    await page.waitForURL('**/docs');
    await page.locator('.opblock').first().waitFor();
  });

  it('ends where it began when one signs out', async () => {
    await using watched = await openPage(browser, `${doors.url}/cluster`);
    const { page } = watched;
    await signIn(page, reader.text);
    await page.getByRole('button', { name: 'Signed in with the key reader. Sign out.' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.context().cookies()).to.deep.equal([]);
    expect(new URL(page.url()).pathname).to.equal('/cluster');
  });

  it('is asked for when a session ends under an open page, and the page goes on', async () => {
    await using watched = await openPage(browser, `${doors.url}/workflows/shown`);
    const { page } = watched;
    await signIn(page, operator.text);
    await page.locator('.live[data-status="live"]').waitFor();
    await page.evaluate('window.sameDocument = true');
    await page.context().clearCookies();
    await page.locator('.jump input').fill('shown');
    await page.keyboard.press('Enter');
    await signIn(page, operator.text);

    await page.locator('dialog.login').waitFor({ state: 'detached' });
    await page.locator('.live[data-status="live"]').waitFor();
    expect(await page.evaluate('window.sameDocument')).to.equal(true);
  });

  it('is asked for when the time of a session is over, though nobody does anything, and the page is live again', async () => {
    await using watched = await openPage(browser, `${doors.url}/icon.svg`);
    const { page } = watched;
    const gatekeeper = new Gatekeeper({ keys: [operator.key], allowedOrigins: [] });
    const value = gatekeeper.startSession(operator.text, Date.now() + 3_000) ?? '';
    await page.context().addCookies([{ name: 'temjob_session', value, url: doors.url }]);
    await page.goto(`${doors.url}/workflows/shown`);
    await page.locator('.step[data-state="completed"]').waitFor();
    await page.evaluate('window.sameDocument = true');

    await signIn(page, operator.text);

    await page.locator('dialog.login').waitFor({ state: 'detached' });
    await page.locator('.live[data-status="live"]').waitFor();
    expect(await page.evaluate('window.sameDocument')).to.equal(true);
  });

  it('has nothing against WCAG 2.2 AA, in the dark and in the light, wide and narrow', async () => {
    await using watched = await openPage(browser, doors.url);
    const { page } = watched;
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.title()).to.equal('Sign in · TemJob');
    expect(await axeViolations(page)).to.deep.equal([]);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await axeViolations(page)).to.deep.equal([]);
    await signIn(page, reader.text);
    await page.locator('.live[data-status="live"]').waitFor();
    expect(await axeViolations(page)).to.deep.equal([]);
  });

  it('is in the language of the browser', async () => {
    await using watched = await openPage(browser, doors.url, { locale: 'zh-CN' });
    await watched.page.getByRole('heading', { name: '登录' }).waitFor();
  });
});

async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key').fill(key);
  await page.keyboard.press('Enter');
}

const definitions = [
  workflow('greet')
    .task('hello', { run: () => ({ said: true }) })
    .build(),
];
