import type { Browser } from 'playwright-core';

import { sharedBrowser } from './browser.ts';
import { startCluster, type TestCluster, type TestClusterOptions } from './cluster.ts';
import { openDoors, ownersKnown, type TestDoors } from './doors.ts';

/** A cluster with its doors, and a browser to look at it. */
export interface TestConsole extends AsyncDisposable {
  readonly browser: Browser;
  readonly cluster: TestCluster;
  readonly doors: TestDoors;
  /** Of the first door. */
  readonly url: string;
}

/** Every node has its shards and knows who has the others, so what a page is told comes from its first moment on. */
export async function openConsole(options: TestClusterOptions): Promise<TestConsole> {
  const browser = await sharedBrowser();
  const cluster = await startCluster(options);
  await ownersKnown(cluster.apis);
  const doors = await openDoors(cluster.apis);
  return {
    browser,
    cluster,
    doors,
    url: doors.url,
    [Symbol.asyncDispose]: async () => {
      await doors[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
