import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { z } from 'zod';

import { NonRetryableError, workflow } from '#sdk/index.ts';

import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown, request, type TestDoors } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

describe('the pages around the workflows', function () {
  this.timeout(60_000);
  let browser: Browser;
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    browser = await sharedBrowser();
    cluster = await startCluster({ definitions: [book, fails] });
    await cluster.join({ definitions: [bookThatShips, fails] });
    await ownersKnown(cluster.apis);
    doors = await openDoors(cluster.apis);
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const start = async (name: string, id: string, input = {}): Promise<void> => {
    const { status } = await request(doors.url, 'POST', '/api/v1/workflows', {
      body: { name, id, input },
    });
    expect(status).to.equal(201);
  };

  describe('Overview', () => {
    it('says to who comes first what to do, then shows what happens as it happens', async () => {
      await using watched = await openPage(browser, `${doors.doors[1]?.url}/`);
      const { page, complaints } = watched;
      await page.getByRole('heading', { name: 'Nothing has run here yet' }).waitFor();
      await page.getByRole('link', { name: 'Choose a definition' }).waitFor();
      await page.getByText('No failure in the last hour, and all nodes are up.').waitFor();
      await start('book', 'seen', { title: 'A', author: { name: 'B' } });
      await start('fails', 'broken');
      const recent = page.locator('.runs li');
      await recent.locator('.badge[data-state="completed"]').waitFor();
      await recent.getByText('broken on purpose').waitFor();
      await page.getByRole('link', { name: '1 workflow failed in the last hour' }).waitFor();
      await page.locator('.tile', { hasText: 'Failed' }).getByText('50%').waitFor();
      // Who is about to follow the link finds it there when the next one fails.
      await page.getByRole('link', { name: '1 workflow failed in the last hour' }).focus();
      await start('fails', 'broken-too');
      await page.getByRole('link', { name: '2 workflows failed in the last hour' }).waitFor();
      expect(await page.evaluate('document.activeElement.textContent')).to.match(/^2 workflows/);
      await page.locator('.tile', { hasText: 'Nodes up' }).getByText('2 of 2').waitFor();
      // The chart is a picture; what is in it is said, and in a table.
      await page.locator('.chart canvas').waitFor();
      await page.getByRole('img', { name: '3 workflows started, 1 completed, 2 failed' }).waitFor();
      await page.getByText('As a table').click();
      await page.locator('.chart-table tbody tr').first().waitFor();
      await page.locator('.tile', { hasText: 'Failed' }).click();
      await page.waitForURL('**/workflows?state=failed');
      expect(complaints).to.deep.equal([]);
    });
  });

  describe('Definitions', () => {
    it('lists them with when each was last started, which follows', async () => {
      await using watched = await openPage(browser, `${doors.url}/definitions`);
      const { page, complaints } = watched;
      const row = page.locator('tr[data-definition="book"]');
      await row.getByText(/never|ago|just now/).waitFor();
      expect(await row.locator('td.number').first().textContent()).to.equal('3');
      await row.locator('.versions', { hasText: '2' }).waitFor();
      await start('book', 'last-1', { title: 'A', author: { name: 'B' } });
      await row.locator('[data-id="last-1"] .badge[data-state="completed"]').waitFor();
      await row.getByRole('link', { name: 'book', exact: true }).click();
      await page.waitForURL('**/definitions/book');
      await page.locator('.step[data-step="print"]').waitFor();
      expect(complaints).to.deep.equal([]);
    });

    it('starts one from a form made of its schema, with the commands that do the same', async () => {
      await using watched = await openPage(browser, `${doors.url}/definitions/book`);
      const { page, complaints } = watched;
      const form = page.locator('form').filter({ hasText: 'title' });
      await form.getByLabel('title').fill("O'Brien");
      await form.getByLabel('copies').fill('3');
      await form.getByLabel('paper').selectOption('letter');
      await form.getByLabel('colour').selectOption('yes');
      await form.getByLabel('name').fill('Ada');
      const keywords = form.locator('fieldset', { hasText: 'keywords' });
      await keywords.getByRole('button', { name: 'Add' }).click();
      await keywords.getByLabel('keywords 1', { exact: true }).fill('x');
      await keywords.getByRole('button', { name: 'Add' }).click();
      await keywords.getByLabel('keywords 2', { exact: true }).fill('y');
      await form.getByText('Id and tags').click();
      await form.getByLabel('Id', { exact: true }).fill('from-the-form');
      await form.getByLabel(/^Tags/).fill('team=press, run=1');
      const input = {
        title: "O'Brien",
        copies: 3,
        paper: 'letter',
        colour: true,
        author: { name: 'Ada' },
        keywords: ['x', 'y'],
      };
      const curl = await page.getByLabel('curl').textContent();
      expect(curl).to.contain(JSON.stringify(input).replaceAll("'", String.raw`'\''`));
      expect(curl).to.contain('"tags":{"team":"press","run":"1"}');
      expect(await page.getByLabel('TypeScript').textContent()).to.contain('client.start("book"');
      await form.getByRole('button', { name: 'Start workflow' }).click();
      await page.waitForURL('**/workflows/from-the-form');
      const { body } = await request(doors.url, 'GET', '/api/v1/workflows/from-the-form');
      expect(body['input']).to.deep.equal(input);
      expect(body['tags']).to.deep.equal({ team: 'press', run: '1' });
      expect(complaints).to.deep.equal([]);
    });

    it('shows at its field what is missing, and what only the server finds wrong', async () => {
      await using watched = await openPage(browser, `${doors.url}/definitions/book`);
      const { page } = watched;
      const problem = (pointer: string) =>
        page.locator(`[data-pointer="${pointer}"] > .field-problem`);
      await page.getByRole('button', { name: 'Start workflow' }).click();
      await problem('/input/title').getByText('needed').waitFor();
      await problem('/input/author/name').getByText('needed').waitFor();
      expect(await page.evaluate('document.activeElement.labels[0].textContent')).to.equal('title');
      // The form knows nothing of patterns.
      await page.getByLabel('title').fill('lower case');
      await page.getByLabel('name').fill('Ada');
      await page.getByRole('button', { name: 'Start workflow' }).click();
      await problem('/input/title').getByText('pattern').waitFor();
      expect(await problem('/input/author/name').textContent()).to.equal('');
    });

    it('takes the input to JSON and back, with what the form does not know', async () => {
      await using watched = await openPage(browser, `${doors.url}/definitions/book`);
      const { page } = watched;
      await page.getByLabel('title').fill('T');
      await page.getByRole('button', { name: 'JSON' }).click();
      const area = page.getByLabel('Input (JSON)');
      expect(JSON.parse(await area.inputValue())).to.deep.equal({ title: 'T', author: {} });
      await area.fill('{"title": 7}');
      await page.getByRole('button', { name: 'Form' }).click();
      await page.getByText('The form cannot show this').waitFor();
      await area.fill('{"title": "U", "more": [1], "keywords": ["a"]}');
      await page.getByRole('button', { name: 'Form' }).click();
      expect(await page.getByLabel('title').inputValue()).to.equal('U');
      expect(await page.getByLabel('keywords 1', { exact: true }).inputValue()).to.equal('a');
      await page.getByRole('button', { name: 'JSON' }).click();
      expect(JSON.parse(await area.inputValue())).to.deep.equal({
        title: 'U',
        author: {},
        keywords: ['a'],
        more: [1],
      });
    });

    it('shows each version, and starts the one that is shown', async () => {
      await using watched = await openPage(browser, `${doors.url}/definitions/book`);
      const { page, complaints } = watched;
      const versions = page.getByLabel('Version');
      await versions.waitFor();
      expect(await versions.locator('option').allTextContents()).to.have.length(2);
      await versions.selectOption({ index: 0 });
      await page.waitForURL('**/definitions/book?version=*');
      await page.locator('.step[data-step="ship"]').waitFor();
      await versions.selectOption({ index: 1 });
      await page.locator('.steps tr[data-step="bind"]').waitFor();
      await page.locator('.steps tr[data-step="ship"]').waitFor({ state: 'detached' });
      await page.getByLabel('title').fill('Old');
      await page.getByLabel('name').fill('Ada');
      await page.getByRole('button', { name: 'Start workflow' }).click();
      await page.waitForURL('**/workflows/*');
      await page.locator('h1 .badge[data-state="completed"]').waitFor();
      expect(await page.locator('.step').count()).to.equal(2);
      expect(complaints).to.deep.equal([]);
    });

    it('says so when there is no such definition', async () => {
      await using watched = await openPage(browser, `${doors.url}/definitions/none.such`);
      await watched.page.getByRole('heading', { name: 'No such definition' }).waitFor();
    });
  });

  describe('Cluster', () => {
    it('shows who lives and who has what, and hands the shards of a node over', async () => {
      await using watched = await openPage(browser, `${doors.url}/cluster`);
      const { page, complaints } = watched;
      const node = (name: string) => page.locator(`.node[data-node="${name}"]`);
      const shards = (name: string) => node(name).locator('[data-meter="shards"] b');
      await page.getByText('2 of 2 nodes up · 16 of 16 shards held').waitFor();
      expect(await page.locator('.cells i').count()).to.equal(16);
      expect(await node('a').locator('.here').isVisible()).to.equal(true);
      await node('b').locator('.node-state[data-node="up"]').waitFor();
      expect(Number(await shards('b').textContent())).to.be.above(0);
      await node('b').getByText('regular').waitFor();

      await node('b').getByRole('button', { name: 'Drain b' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('hands its shards').waitFor();
      await dialog.getByRole('button', { name: 'Back' }).click();
      await node('b').getByRole('button', { name: 'Drain b' }).click();
      await dialog.getByRole('button', { name: 'Drain' }).click();

      await node('b').locator('.node-state[data-node="draining"]').waitFor();
      await shards('b').getByText('0', { exact: true }).waitFor();
      await page.getByRole('img', { name: 'a has 16 shards' }).waitFor();
      await node('a').getByText('No other node could take its shards.').waitFor();
      expect(await node('a').getByRole('button', { name: 'Drain a' }).isDisabled()).to.equal(true);

      await node('b').getByRole('button', { name: 'Take back b' }).click();
      await node('b').locator('.node-state[data-node="up"]').waitFor();
      await page.getByRole('img', { name: /a has \d+ shards, b has \d+ shards/ }).waitFor();
      await page.getByText('In words').click();
      await page.locator('.map-words dd').first().waitFor();
      expect(complaints).to.deep.equal([]);
    });

    it('says what may not be done with a key that may only read', async () => {
      const reader = newKey('reader', 'read');
      await using closed = await openDoors(cluster.apis.slice(0, 1), { keys: [reader.key] });
      await using watched = await openPage(browser, `${closed.url}/cluster`);
      const { page } = watched;
      await page.getByLabel('Key').fill(reader.text);
      await page.keyboard.press('Enter');
      await page.getByText('it takes the scope admin').first().waitFor();
      expect(await page.getByRole('button', { name: 'Drain b' }).isDisabled()).to.equal(true);
      await page.goto(`${closed.url}/definitions/book`);
      await page.getByText('Your key may only read.').waitFor();
      expect(await page.getByRole('button', { name: 'Start workflow' }).isDisabled()).to.equal(
        true,
      );
    });
  });
});

const input = z.object({
  title: z.string().regex(/^[A-Z]/),
  copies: z.int().min(1).default(1),
  paper: z.enum(['a4', 'letter']).optional(),
  colour: z.boolean().optional(),
  author: z.object({ name: z.string(), born: z.int().optional() }),
  keywords: z.array(z.string()).optional(),
});

const book = workflow('book', { input })
  .task('print', { run: () => ({ printed: true }) })
  .task('bind', { needs: ['print'], run: () => ({ bound: true }) })
  .build();

/** Its next version. */
const bookThatShips = workflow('book', { input })
  .task('print', { run: () => ({ printed: true }) })
  .task('bind', { needs: ['print'], run: () => ({ bound: true }) })
  .task('ship', { needs: ['bind'], run: () => ({ shipped: true }) })
  .build();

const fails = workflow('fails')
  .task('breaks', {
    run: () => {
      throw new NonRetryableError('broken on purpose');
    },
  })
  .build();
