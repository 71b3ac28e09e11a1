import { expect } from 'chai';

import { allRoutes } from '#http/routes/table.ts';

import { openPage, sharedBrowser } from '../support/browser.ts';
import { startCluster } from '../support/cluster.ts';
import { openDoors } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

describe('the page of the API', () => {
  it('shows every operation and carries one out, with nothing from elsewhere and no complaint', async () => {
    await using cluster = await startCluster();
    await using doors = await openDoors(cluster.apis);
    await using watched = await openPage(await sharedBrowser(), `${doors.url}/docs`);
    const { page, complaints } = watched;
    await page.locator('.opblock').first().waitFor();
    expect(await page.locator('.opblock').count()).to.equal(allRoutes.length);
    expect(await page.locator('.info .title').textContent()).to.contain('TemJob');

    const stats = page.locator('#operations-Cluster-getStats');
    await stats.locator('.opblock-summary-control').click();
    await stats.getByRole('button', { name: 'Try it out' }).click();
    await stats.getByRole('button', { name: 'Execute' }).click();
    const answer = stats.locator('.live-responses-table .response-col_description');
    await answer.filter({ hasText: 'total_workflows' }).waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('is as dark as what was chosen for the console, or else as the system', async () => {
    await using cluster = await startCluster();
    await using doors = await openDoors(cluster.apis);
    await using watched = await openPage(await sharedBrowser(), `${doors.url}/docs`);
    const { page } = watched;
    const dark = page.locator('html.dark-mode');
    await page.emulateMedia({ colorScheme: 'dark' });
    await dark.waitFor();
    await page.emulateMedia({ colorScheme: 'light' });
    await dark.waitFor({ state: 'detached' });
    await page.evaluate("localStorage.setItem('temjob-theme', 'dark')");
    await page.reload();
    await dark.waitFor();
  });

  it('is for those who may read', async () => {
    await using cluster = await startCluster();
    const reader = newKey('reader', 'read');
    await using doors = await openDoors(cluster.apis, { keys: [reader.key] });
    for (const path of ['/docs', '/docs/swagger-ui-bundle.js', '/api/openapi.json']) {
      expect((await fetch(doors.url + path)).status, path).to.equal(401);
      const headers = { Authorization: `Bearer ${reader.text}` };
      expect((await fetch(doors.url + path, { headers })).status, path).to.equal(200);
    }
  });
});
