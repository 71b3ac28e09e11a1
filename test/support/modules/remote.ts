import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { task } from '#sdk/index.ts';

/** For nodes that run what others own: writes down that it runs, then takes its time. */
export const remote = task('remote', {
  run: async ({ log, ms }: { log: string; ms: number }, { workflowId, attempt, node }) => {
    appendFileSync(log, `${workflowId} remote ${attempt} ${node}\n`);
    await sleep(ms);
    return { by: node };
  },
});
