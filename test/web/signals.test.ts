import { randomUUID } from 'node:crypto';

import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { z } from 'zod';

import type { Json } from '#actors/json.ts';
import { workflow } from '#sdk/index.ts';

import { openPage } from '../support/browser.ts';
import { openConsole, type TestConsole } from '../support/console.ts';
import { openDoors, type TestDoors } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

const hostile = '<img src=x onerror=alert(1)>';
const reader = newKey('reader', 'read');
const operator = newKey('operator', 'operate');

describe('signals in the console', function () {
  this.timeout(60_000);
  let world: TestConsole;
  let keyed: TestDoors;

  before(async () => {
    world = await openConsole({ nodes: 2, definitions });
    keyed = await openDoors([world.cluster.api], { keys: [reader.key, operator.key] });
  });

  after(async () => {
    await keyed[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const start = async (name: string, id: string): Promise<void> => {
    await world.cluster.api.start({ name, id, input: {} });
  };
  const signal = async (workflowId: string, name: string, payload: Json): Promise<void> => {
    const request = { workflowId, signal: name, payload, requestId: randomUUID() };
    await world.cluster.api.signal(request);
  };
  const outputOf = async (id: string): Promise<unknown> =>
    (await world.cluster.api.result(id, 10_000)).workflow.output;

  it('can be sent again when the answer was lost, and are the same then', async () => {
    await start('approval', 'answer-lost');
    await using watched = await openPage(world.browser, `${world.url}/workflows/answer-lost`);
    const { page } = watched;
    let isFirst = true;
    await page.route('**/signals/**', async (route) => {
      if (!isFirst) {
        await route.continue();
        return;
      }
      isFirst = false;
      await route.fetch();
      await route.abort();
    });
    await buttonOf(page, 'Approve').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('sum').fill('3');
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.locator('.wrong', { hasText: 'cannot be reached' }).waitFor();

    await dialog.getByRole('button', { name: 'Send' }).click();

    await page.getByText('The signal approve was sent.').waitFor();
    await dialog.waitFor({ state: 'detached' });
    expect(await outputOf('answer-lost')).to.include({ sum: 3 });
  });

  it('are sent with a button while a step waits, in a form of its schema, and the page goes on', async () => {
    await start('approval', 'goes-on');
    // The other node's page: what is sent there, and what it shows, comes over the cluster.
    await using watched = await openPage(
      world.browser,
      `${world.doors.doors[1]?.url}/workflows/goes-on`,
    );
    const { page, complaints } = watched;
    await page.locator('.why[data-code="WAITING_FOR_SIGNAL"]').waitFor();
    await page.locator('.step[data-step="approve"][data-state="waiting"]').waitFor();
    await page.evaluate('window.sameDocument = true');
    const button = buttonOf(page, 'Approve');
    await button.click();

    const dialog = page.getByRole('dialog', { name: 'Send the signal approve' });
    await dialog.getByText('approval goes-on waits for it').waitFor();
    expect(await dialog.locator('.field > label').allTextContents()).to.deep.equal([
      'approvedoptional',
      'sum',
      'commentoptional',
    ]);
    expect(await focusOf(page)).to.equal('approved');
    expect(await dialog.getByLabel('approved').locator('option').allTextContents()).to.deep.equal([
      'yes unless said otherwise',
      'yes',
      'no',
    ]);
    await dialog.getByRole('button', { name: 'Send' }).click();
    await dialog.getByText('This is needed.').waitFor();
    expect(await focusOf(page)).to.equal('sum');
    await dialog.getByLabel('sum').fill('12.5');
    await dialog.getByRole('button', { name: 'Send' }).click();

    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    await page.getByText('The signal approve was sent.').waitFor();
    expect(await button.count()).to.equal(0);
    expect(await dialog.count()).to.equal(0);
    expect(await page.evaluate('window.sameDocument')).to.equal(true);
    expect(await outputOf('goes-on')).to.include({ approved: true, sum: 12.5, paid: 12.5 });
    expect(complaints).to.deep.equal([]);
  });

  it('show at its field what the server says does not fit, and send what does', async () => {
    await start('approval', 'unfit');
    await using watched = await openPage(world.browser, `${world.url}/workflows/unfit`);
    const { page, complaints } = watched;
    await buttonOf(page, 'Approve').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('sum').fill('1');
    await dialog.getByLabel('comment').fill('no');
    await page.keyboard.press('Enter');

    const comment = dialog.locator('.field[data-pointer="/payload/comment"]');
    await comment.locator('.field-problem', { hasText: 'say why' }).waitFor();
    expect(await focusOf(page)).to.equal('comment');
    expect(await dialog.locator('[role="alert"]').textContent()).to.equal('');
    await dialog.getByLabel('comment').fill('too much');
    await page.keyboard.press('Enter');
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    expect(refusals(complaints, 400)).to.deep.equal([]);
  });

  it('take any JSON where the step says nothing, and one field for what is no object', async () => {
    const sent = {
      text: '"yes"',
      list: '[1,null]',
      nothing: 'null',
    };
    await using watched = await openPage(world.browser, world.url);
    const { page, complaints } = watched;
    for (const [id, text] of Object.entries(sent)) {
      await start('anything', id);
      await page.goto(`${world.url}/workflows/${id}`);
      await buttonOf(page, 'Whatever').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('The step takes any JSON').waitFor();
      await dialog.getByLabel('Payload (JSON)').fill('{"never": ');
      await dialog.getByRole('button', { name: 'Send' }).click();
      await dialog.getByText('This is not JSON.').waitFor();
      await dialog.getByLabel('Payload (JSON)').fill(text);
      await dialog.getByRole('button', { name: 'Send' }).click();
      await page.locator('h1 .badge[data-state="completed"]').waitFor();
      const { tasks } = await world.cluster.api.workflow(id);
      expect(tasks[0]?.output).to.deep.equal(JSON.parse(text));
    }
    await start('choice', 'choice');
    await page.goto(`${world.url}/workflows/choice`);
    await buttonOf(page, 'Choose').click();
    await page.getByRole('dialog').getByLabel('Payload').selectOption('later');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    const { tasks } = await world.cluster.api.workflow('choice');
    expect(tasks[0]?.output).to.equal('later');
    expect(complaints).to.deep.equal([]);
  });

  for (const [locale, words] of [
    ['en-US', 'waits no more for the signal "approve": it has come before'],
    ['zh-CN', '该步骤已不再等待此信号'],
  ] as const) {
    it(`say in the dialog that somebody else was faster, and leave what was typed (${locale})`, async () => {
      const id = `faster-${locale}`;
      await start('twice', id);
      await using watched = await openPage(world.browser, `${world.url}/workflows/${id}`, {
        locale,
      });
      const { page, complaints } = watched;
      await buttonOf(page, 'Approve').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('comment').fill('mine');
      await signal(id, 'approve', { comment: 'theirs' });
      await page.locator('.step[data-step="approve"][data-state="completed"]').waitFor();
      await page.keyboard.press('Enter');

      await dialog.locator('[role="alert"]', { hasText: words }).waitFor();
      expect(await dialog.getByLabel('comment').inputValue()).to.equal('mine');
      await page.keyboard.press('Escape');
      await gone(page);
      // Its button is gone; the next one to be sent is not opened by mistake.
      expect(await page.evaluate('document.activeElement.tagName')).to.equal('H1');
      expect(refusals(complaints, 409)).to.deep.equal([]);
    });
  }

  it('say so in the dialog when the workflow has ended meanwhile', async () => {
    await start('approval', 'ended');
    const address = `${world.url}/workflows/ended`;
    await using watched = await openPage(world.browser, address, { locale: 'zh-CN' });
    const { page } = watched;
    await buttonOf(page, 'Approve').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('sum').fill('1');
    await world.cluster.api.cancel('ended');
    await page.locator('h1 .badge[data-state="canceled"]').waitFor();
    await page.keyboard.press('Enter');
    await dialog.locator('[role="alert"]', { hasText: '工作流已经结束' }).waitFor();
  });

  it('are offered in the panel of the step, which says since when it waits and nothing of attempts', async () => {
    await start('twice', 'panel');
    await using watched = await openPage(
      world.browser,
      `${world.url}/workflows/panel?step=approve`,
    );
    const { page, complaints } = watched;
    const panel = page.locator('.panel');
    await buttonOf(panel, 'Approve').waitFor();
    // A clock alone would not say of which day.
    const why = await page.locator('.why').textContent();
    expect(why).to.match(/if none comes within (6d 23h|7d), by \w+ \d+, 20\d\d, \d\d:/);
    const facts = panel.locator('.facts > :visible dt');
    expect(await facts.allTextContents()).to.deep.equal(['Waiting since', 'Duration']);
    await panel.getByRole('heading', { name: 'Input' }).waitFor();
    expect(await panel.getByRole('heading', { name: 'Attempts' }).count()).to.equal(0);
    await buttonOf(panel, 'Approve').click();
    await page.getByRole('dialog').getByLabel('comment').fill('from the panel');
    await page.keyboard.press('Enter');

    await panel.locator('.badge[data-state="completed"]').waitFor();
    await panel.locator('.attempts', { hasText: /completed.*waited for/ }).waitFor();
    expect(await panel.locator('.attempts').textContent()).to.not.contain('queued');
    expect(await facts.allTextContents()).to.deep.equal(['Duration']);
    await panel.locator('.json', { hasText: 'from the panel' }).waitFor();
    expect(await buttonOf(panel, 'Approve').count()).to.equal(0);
    expect(await page.evaluate('document.activeElement.ariaLabel')).to.equal('Close');
    expect(complaints).to.deep.equal([]);
  });

  it('say of a step whose signal did not come how long it waited', async () => {
    await start('hurried', 'hurried');
    await world.cluster.api.result('hurried', 10_000).catch(() => undefined);
    const address = `${world.url}/workflows/hurried?step=approve`;
    await using watched = await openPage(world.browser, address, { locale: 'zh-CN' });
    const attempts = watched.page.locator('.panel .attempts');
    await attempts.getByText(/等待了 \d+/).waitFor();
    await attempts.getByText('SignalTimeout').waitFor();
  });

  it('have no button for whoever may only read, neither in the head nor in the panel', async () => {
    await start('approval', 'watched-only');
    const address = `${keyed.url}/workflows/watched-only?step=approve`;
    const seenWith = async (key: string): Promise<number> => {
      await using watched = await openPage(world.browser, address);
      const { page } = watched;
      await page.getByLabel('API key').fill(key);
      await page.keyboard.press('Enter');
      await page.locator('.panel .badge[data-state="waiting"]').waitFor();
      return await buttonOf(page, 'Approve').count();
    };
    expect(await seenWith(reader.text)).to.equal(0);
    // The workflow's own, and the panel's.
    expect(await seenWith(operator.text)).to.equal(2);
  });

  it('run nothing that is in a schema, in what the server says, or in what was sent', async () => {
    await start('hostile', 'hostile');
    await using watched = await openPage(world.browser, `${world.url}/workflows/hostile`);
    const { page, complaints } = watched;
    await buttonOf(page, 'Reply').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(hostile).first().fill(hostile);
    await page.keyboard.press('Enter');
    await dialog.locator('.field-problem', { hasText: hostile }).waitFor();
    await dialog.getByLabel(hostile).first().fill(`good ${hostile}`);
    await page.keyboard.press('Enter');
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    await page.goto(`${world.url}/workflows/hostile?tab=events&step=reply`);
    await page.locator('.panel .json', { hasText: hostile }).first().waitFor();
    await page.locator('.grid-events [data-type="task.signaled"]').waitFor();
    expect(await page.locator('img[src="x"]').count()).to.equal(0);
    expect(refusals(complaints, 400)).to.deep.equal([]);
  });

  it('can be sent without a mouse, and the focus is never lost', async () => {
    await start('twice', 'keys');
    await using watched = await openPage(world.browser, `${world.url}/workflows/keys`);
    const { page, complaints } = watched;
    const dialog = page.getByRole('dialog');
    const button = buttonOf(page, 'Approve');
    await button.waitFor();
    await page.getByRole('button', { name: 'Copy the id' }).focus();
    // The link to the definition lies between.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Approve');
    await page.keyboard.press('Enter');
    await dialog.waitFor();
    expect(await focusOf(page)).to.equal('comment');
    await page.keyboard.press('Escape');
    await gone(page);
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Approve');

    await page.keyboard.press('Enter');
    await dialog.waitFor();
    await page.keyboard.type('fine');
    await page.keyboard.press('Enter');
    await page.locator('.step[data-step="approve"][data-state="completed"]').waitFor();
    await button.waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.tagName')).to.equal('H1');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Release');
    // Somebody else sends it while the focus is on its button.
    await signal('keys', 'release', {});
    await page.locator('h1 .badge[data-state="completed"]').waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).to.equal('H1');
    expect(complaints).to.deep.equal([]);
  });

  it('have one dialog, however often one clicks, which goes with the page', async () => {
    await start('approval', 'often');
    await using watched = await openPage(world.browser, `${world.url}/workflows`);
    const { page, complaints } = watched;
    await page.locator('tr[data-id="often"] a').first().click();
    await buttonOf(page, 'Approve').dblclick();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('sum').waitFor();
    await page.waitForLoadState('networkidle');
    expect(await dialog.count()).to.equal(1);
    await page.goBack();
    await gone(page);
    await page.locator('tr[data-id="often"]').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('are three at most in the head, the others in their panels, and fit on a phone', async () => {
    await start(long, 'many');
    const address = `${world.url}/workflows/many?step=fourth`;
    const viewport = { width: 390, height: 844 };
    await using watched = await openPage(world.browser, address, { viewport });
    const { page } = watched;
    await buttonOf(page.locator('.panel'), 'Fourth').waitFor();
    expect(await page.locator('.page-head .signals button').allTextContents()).to.deep.equal([
      'First',
      wordsOfLong,
      'Third',
    ]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390);
    await buttonOf(page, wordsOfLong).click();
    await page.getByRole('dialog').getByLabel('Payload (JSON)').waitFor();
    const overflows = `{
      const { scrollWidth, clientWidth } = document.querySelector('dialog.signal');
      scrollWidth > clientWidth
    }`;
    expect(await page.evaluate(overflows)).to.equal(false);
  });

  it('are marked where a definition is shown, with how long each is waited for', async () => {
    await using watched = await openPage(world.browser, `${world.url}/definitions/twice`);
    const { page } = watched;
    const rowOf = (step: string) => page.locator(`.steps tr[data-step="${step}"]`);
    await rowOf('approve').locator('.mark', { hasText: 'waits for a signal' }).waitFor();
    await rowOf('approve').getByText('waits at most 7d').waitFor();
    await rowOf('release').getByText('waits as long as the workflow may take').waitFor();
    expect(await rowOf('approve').textContent()).to.not.contain('attempt');
    await page
      .locator('.step[data-step="approve"] .step-note', { hasText: 'waits for a signal' })
      .waitFor();
  });

  it('are a bar of their own in the timeline, and a state of their own among the tasks', async () => {
    await start('twice', 'drawn');
    await using watched = await openPage(
      world.browser,
      `${world.url}/workflows/drawn?tab=timeline`,
    );
    const { page } = watched;
    const row = page.locator('.tl-row[data-step="approve"]');
    const bar = row.locator('.tl-bar[data-kind="waiting"][data-outcome="open"]');
    await bar.waitFor();
    expect(await bar.getAttribute('title')).to.match(/^waited for its signal for /);
    await row.getByText(/^waiting, Waiting since /).waitFor({ state: 'attached' });
    await page.getByText('waiting for a signal', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Tasks' }).click();
    await page.locator('.chip[data-state="waiting"]').click();
    const cells = page.locator('.grid-tasks .rows > :visible');
    await cells.locator('.badge[data-state="waiting"]').waitFor();
    expect(await cells.count()).to.equal(1);
    expect(await cells.textContent()).to.not.contain('1 / 1');
  });
});

/** The step's own button in the graph, and the link to it, have its name as it is written in code. */
function buttonOf(place: Page | Locator, name: string): Locator {
  return place.getByRole('button', { name, exact: true });
}

/** Closed, and out of the page: the focus is where it is then. */
async function gone(page: Page): Promise<void> {
  await page.locator('dialog.signal').waitFor({ state: 'detached' });
}

/** The label of the field that has the focus. */
async function focusOf(page: Page): Promise<unknown> {
  return await page.evaluate(
    'document.activeElement.labels?.[0]?.firstChild.textContent ?? document.activeElement.tagName',
  );
}

/** What the browser complains of besides the refusals that were asked for. */
function refusals(complaints: readonly string[], status: number): readonly string[] {
  return complaints.filter((complaint) => !complaint.includes(String(status)));
}

const long = 'with_a_name_that_is_wider_than_a_phone_as_some_are_in_real_life';
const wordsOfLong = 'With a name that is wider than a phone as some are in real life';

const comment = z.object({ comment: z.string().optional() });

const definitions = [
  workflow('approval')
    .task('ask', { run: () => ({}) })
    .signal('approve', {
      needs: ['ask'],
      payload: z.object({
        approved: z.boolean().default(true),
        sum: z.number(),
        // No schema of fields knows this rule.
        comment: z
          .string()
          .refine((text) => text !== 'no', 'say why')
          .optional(),
      }),
    })
    .task('pay', { needs: ['approve'], run: ({ sum }) => ({ paid: sum }) })
    .build(),
  workflow('twice')
    .signal('approve', { payload: comment, timeout: '7d' })
    .signal('release', { needs: ['approve'] })
    .build(),
  workflow('anything').signal('whatever').build(),
  workflow('choice')
    .signal('choose', { payload: z.enum(['now', 'later']) })
    .build(),
  workflow(long).signal('first').signal(long).signal('third').signal('fourth').build(),
  workflow('hurried').signal('approve', { timeout: '300ms' }).build(),
  workflow('hostile')
    .signal('reply', {
      payload: z.object({
        [hostile]: z
          .string()
          .startsWith('good', hostile)
          .describe(hostile)
          .meta({ title: hostile }),
        kind: z.enum([hostile, 'plain']).default(hostile),
      }),
    })
    .build(),
];
