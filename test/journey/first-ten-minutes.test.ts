import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';

import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { z } from 'zod';

import { Script } from '../dev/script.ts';
import { TempDir } from '../dev/temp-dir.ts';
import { openPage, sharedBrowser } from '../support/browser.ts';
import { request } from '../support/doors.ts';
import { run } from '../support/installed.ts';

const root = resolve(import.meta.dirname, '..', '..');

/** What a clone does not have; packages that are installed already are linked instead. */
const notCloned = ['.git', 'node_modules', 'dist', '.temjob', 'coverage'];

/*
 * What the README tells a newcomer to do, in its order, in a copy of the repository of his own. Each step begins where the one
 * before has ended. That npm installs what is missing is the subject of test/dev/setup.test.ts, and the project that
 * `temjob create` makes that of test/examples/starter.test.ts.
 */
describe('the first ten minutes', function () {
  this.timeout(90_000);
  let clone: TempDir;
  let dev: Script;
  let url = '';
  let browser: Browser;

  before(async () => {
    browser = await sharedBrowser();
    clone = await TempDir.create();
    await cp(root, clone.path, {
      recursive: true,
      preserveTimestamps: true,
      filter: (file) => !notCloned.includes(relative(root, file)),
    });
    await symlink(join(root, 'node_modules'), clone.join('node_modules'));
    dev = npmStart(clone.path);
  });

  after(async () => {
    await dev[Symbol.asyncDispose]();
    await clone[Symbol.asyncDispose]();
  });

  afterEach(function () {
    // What it waited for in vain is in there, or what came instead.
    if (this.currentTest?.state === 'failed') process.stderr.write(dev.output);
  });

  it('begin with npm start, which says what it has started and where the page is', async () => {
    const [, found] = await dev.prints(/^TemJob is ready at (http:\/\/localhost:\d+)$/m);
    url = found ?? '';
    await dev.prints(/✔ Cluster +3 nodes/);
    await dev.prints(/✔ Samples +\d+ workflows started; one fails on purpose/);
    expect(dev.output)
      .to.match(/✔ (Redis|Valkey) [\d.]+ +private/)
      .and.match(/✔ (MariaDB|MySQL) [\d.]+ +private/)
      .and.include(`API ${url}/api/v1`);
  });

  it('show the samples on the overview, and one of them turning green without a reload', async () => {
    await using watched = await openPage(browser, `${url}/`);
    const { page, complaints } = watched;
    await page.locator('.tile', { hasText: 'Nodes up' }).getByText('3 of 3').waitFor();
    await page.locator('.runs li').nth(7).waitFor();
    await page.locator('.tile', { hasText: 'long_report' }).click();
    await page.locator('h1', { hasText: 'long_report' }).waitFor();
    await page.locator('.step[data-step="write_pages"][data-state="completed"]').waitFor();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('show a sample that waits for approval, and let it go on with one click and another', async () => {
    const { body } = await request(url, 'GET', '/api/v1/workflows?name=expense_approval');
    const [waits] = listed.parse(body).workflows;
    await using watched = await openPage(browser, `${url}/workflows/${waits?.id}`);
    const { page, complaints } = watched;
    await page.locator('.why[data-code="WAITING_FOR_SIGNAL"]').waitFor();
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    await page.locator('.step[data-step="pay"][data-state="completed"]').waitFor();
    await page.locator('.step[data-step="decline"][data-state="skipped"]').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('show why a sample fails, and run its failed steps again', async () => {
    const { body } = await request(url, 'GET', '/api/v1/workflows?state=failed');
    const [failed] = listed.parse(body).workflows;
    await using watched = await openPage(browser, `${url}/workflows/${failed?.id}`);
    const { page, complaints } = watched;
    await page.locator('.banner', { hasText: 'The payment gateway did not answer (4).' }).waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    // It fails again: the line says what it waits for meanwhile.
    await page.locator('.why[data-code="WAITING_FOR_RETRY"]').waitFor();
    await page.locator('h1 .badge[data-state="failed"]').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('kill a node in the playground: all goes on, and the page says how long it took', async () => {
    await using watched = await openPage(browser, `${url}/playground`);
    const { page } = watched;
    await page.locator('.victims li[data-node="b"] .node-state[data-node="up"]').waitFor();
    await page.getByRole('button', { name: 'A burst of 100' }).click();
    await page.locator('.strip i[data-state="running"]').nth(20).waitFor();

    await page.getByRole('button', { name: 'Kill node b' }).click();

    await page.locator('.recoveries li[data-took]').waitFor();
    expect(await page.locator('.recoveries li').textContent()).to.match(
      /node b killed:[\d.]+s(\d+) of \1 workflows that ran then/,
    );
    await dev.prints(/Node b has died.*SIGKILL[^]*✔ Node b /);
  });

  it('save a changed step: the nodes reload, the next run is of version 2, and the one that runs stays on 1', async () => {
    const input = { title: 'Old and new', pages: 400 };
    const old = await started(url, 'long_report', { id: 'old', input });

    const file = clone.join('examples', 'long_report.ts');
    const text = await readFile(file, 'utf8');
    const bound = "  .task('bind', {\n    needs: ['write_pages'],";
    expect(text).to.include(bound);
    const proofread =
      "  .task('proofread', { needs: ['write_pages'], run: () => ({ errors: 0 }) })\n";
    await writeFile(
      file,
      text.replace(bound, `${proofread}${bound.replace("']", "', 'proofread']")}`),
    );
    await dev.prints(/long_report\.ts saved[^]*✔ Reloaded +3 nodes/);

    const fresh = await started(url, 'long_report', {
      id: 'new',
      input: { title: 'New', pages: 2 },
    });
    expect(fresh['version']).not.to.equal(old['version']);
    const { body: end } = await request(url, 'GET', '/api/v1/workflows/new/result?wait=30s');
    expect(end['output']).to.deep.include({ errors: 0, book: 'New, 2 pages' });
    const { body: running } = await request(url, 'GET', '/api/v1/workflows/old');
    expect(running).to.include({ state: 'running', version: old['version'] });

    await using watched = await openPage(browser, `${url}/workflows/old`);
    await watched.page.locator('.step[data-step="bind"]').waitFor();
    expect(await watched.page.locator('.step').count()).to.equal(2);
    await watched.page.goto(`${url}/definitions`);
    await watched.page
      .locator('tr[data-definition="long_report"] .versions', { hasText: '2' })
      .waitFor();
    await request(url, 'POST', '/api/v1/workflows/old/cancel');
  });

  it('start one from the form of its definition', async () => {
    await using watched = await openPage(browser, `${url}/definitions/order_processing`);
    const { page } = watched;
    const form = page.locator('form').filter({ hasText: 'order_id' });
    await form.getByLabel('order_id').fill('A-7');
    await form.getByLabel('item').fill('pen');
    await form.getByLabel('quantity').fill('1');
    await form.getByLabel('amount').fill('2');
    await form.getByRole('button', { name: 'Start workflow' }).click();
    await page.waitForURL('**/workflows/*');
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
  });

  it('follow one in a terminal to its end', async () => {
    const order = { order_id: 'A-8', item: 'pen', quantity: 1, amount: 2 };
    const command = ['run', 'order_processing', JSON.stringify(order), '--watch'];
    const said = await run('npm', ['run', '--silent', 'temjob', '--', ...command], clone.path, {
      TEMJOB_URL: url,
    });
    expect(said)
      .to.match(/completed +reserve_inventory|reserve_inventory +completed/)
      .and.include('"confirmed": true');
  });

  it('make a project of one’s own', async () => {
    await run('npm', ['run', '--silent', 'temjob', '--', 'create', 'my-app'], clone.path);
    expect(
      JSON.parse(await readFile(clone.join('my-app', 'package.json'), 'utf8')),
    ).to.deep.include({
      name: 'my-app',
    });
  });

  it('end with Ctrl-C, and go on from there the next time', async () => {
    dev.pressCtrlC();
    await dev.prints(/Stopped\.$/m);
    await dev.exit;

    await using again = npmStart(clone.path);
    const [, found = ''] = await again.prints(/^TemJob is ready at (http:\/\/localhost:\d+)$/m);
    const { body } = await request(found, 'GET', '/api/v1/workflows/new');
    expect(body).to.include({ state: 'completed' });
    expect(again.output).not.to.include('first run: created');
    again.pressCtrlC();
    await again.prints(/Stopped\.$/m);
  });
});

const listed = z.object({ workflows: z.array(z.object({ id: z.string() })) });

/** As from a shell, on a port of its own. */
function npmStart(cwd: string): Script {
  return new Script(
    { command: 'npm' },
    { args: ['start', '--', '--port', '0'], cwd, channel: false },
  );
}

async function started(
  url: string,
  name: string,
  body: { readonly id: string; readonly input: Readonly<Record<string, unknown>> },
): Promise<Record<string, unknown>> {
  const { status } = await request(url, 'POST', '/api/v1/workflows', { body: { name, ...body } });
  expect(status).to.equal(201);
  return (await request(url, 'GET', `/api/v1/workflows/${body.id}`)).body;
}
