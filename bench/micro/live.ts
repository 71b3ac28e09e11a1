import { setTimeout as sleep } from 'node:timers/promises';

import { pino } from 'pino';
import { chromium } from 'playwright-core';

import { shardOf } from '#actors/ids.ts';
import { Node } from '#cluster/node.ts';
import { createDoor } from '#http/server.ts';
import { WorkflowBuilder } from '#sdk/index.ts';

import { BenchServers } from '../servers.ts';

/*
 * How long it takes from the event of a step until the page shows it: `node bench/micro/live.ts [steps]`. The page is served by
 * a node that does not own the workflow. One clock: the times of events are taken before their commit, so the commit is in it,
 * and those of the page when its document has changed.
 */
const shards = 16;
const steps = Number(process.argv[2] ?? 200);
const log = pino({ level: 'silent' });

await using servers = await BenchServers.start();
const mysql = await servers.renew();
const shared = { redis: servers.redisUrl, mysql, redisPrefix: 'live:', shards, threads: 1 };
const owner = await Node.start({ name: 'a', ...shared, definitions: [chain(steps)] });
const id = 'chain';
await owner.api.start({ name: 'chain', id, input: {} });
// It joins when the workflow is owned, and claims shards that are not in the way: the owner keeps what it has begun.
const watcher = await Node.start({ name: 'b', ...shared, definitions: [chain(steps)] });
const door = await createDoor({ cluster: watcher.api, host: '127.0.0.1', port: 0, dev: true, log });
const browser = await chromium.launch({
  executablePath: process.env['TEMJOB_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage();
  await page.addInitScript(`window.seen = {}; new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.dataset?.step && target.dataset.state === 'completed') {
        window.seen[target.dataset.step] ??= Date.now();
      }
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-state'] });`);
  await page.goto(`${door.url}/workflows/${id}`);
  await page.locator('.dag-frame[data-drawn]').waitFor();
  await page.locator('.live[data-status="live"]').waitFor();
  const openedAt = Date.now();
  await page.locator('h1 .badge[data-state="completed"]').waitFor({ timeout: 120_000 });
  await sleep(500);
  const owners = await watcher.api.shardOwners();
  if (owners[shardOf(id, shards)] !== 'a')
    throw new Error('the page is at the owner: nothing is measured');
  const seen: unknown = JSON.parse(String(await page.evaluate('JSON.stringify(window.seen)')));
  const { tasks } = await owner.api.workflow(id);
  const times = tasks.flatMap(({ step, completed_at: at }) => {
    const shown = typeof seen === 'object' && seen !== null ? Reflect.get(seen, step) : undefined;
    const since = Date.parse(at ?? '');
    return typeof shown === 'number' && since > openedAt ? [shown - since] : [];
  });
  times.sort((a, b) => a - b);
  const part = (of: number): string => String(times[Math.floor((times.length - 1) * of)] ?? '–');
  console.log('steps  p50 ms  p90 ms  p99 ms  max ms');
  console.log(
    [
      String(times.length).padStart(5),
      ...[0.5, 0.9, 0.99, 1].map((of) => part(of).padStart(7)),
    ].join(' '),
  );
} finally {
  await browser.close();
  await door.close();
  await Promise.all([owner.stop({ graceMs: 0 }), watcher.stop({ graceMs: 0 })]);
}

/** Steps one after the other, each long enough that no two end in one commit. */
function chain(length: number) {
  const builder = new WorkflowBuilder('chain');
  builder.addTask('rest', async () => {
    await sleep(60);
    return {};
  });
  for (let n = 0; n < length; n += 1) {
    const step = builder.addStep('rest', { as: `s${n}` });
    if (n > 0) step.dependsOn(`s${n - 1}`);
  }
  return builder.build();
}
