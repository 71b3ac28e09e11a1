import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { task } from '#sdk/index.ts';

/** For nodes that run what others own: writes down that it runs, then takes its time, when it runs for the first time. */
export const remote = task('remote', {
  run: async ({ log, ms }: { log: string; ms: number }, { workflowId, attempt, node }) => {
    const again = existsSync(log) && readFileSync(log, 'utf8').includes(`${workflowId} remote `);
    appendFileSync(log, `${workflowId} remote ${attempt} ${node}\n`);
    await sleep(again ? 0 : ms);
    return { by: node };
  },
});
