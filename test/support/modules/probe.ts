import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

/* For faults: steps that write down that they run, before they do anything else. */

const input = z.object({ log: z.string(), ms: z.number().default(0) });

/** Three steps one after the other; the file `log` gets a line for each execution. */
export const relay = workflow('relay', { input, timeout: '10m' })
  .task('one', {
    run: async ({ log, ms }, { workflowId, attempt }) => {
      await executed(log, `${workflowId} one ${attempt}`, ms);
      return { one: 1 };
    },
  })
  .task('two', {
    needs: ['one'],
    run: async ({ log, ms, one }, { workflowId, attempt }) => {
      await executed(log, `${workflowId} two ${attempt}`, ms);
      return { two: one + 1 };
    },
  })
  .task('three', {
    needs: ['two'],
    run: async ({ log, ms, two }, { workflowId, attempt }) => {
      await executed(log, `${workflowId} three ${attempt}`, ms);
      return { three: two + 1 };
    },
  })
  .build();

/** Fails the first time; the second attempt is due `ms` later. */
export const secondTry = workflow('second_try', { input })
  .task('try', {
    retry: { maxAttempts: 2, initialInterval: '3s', jitter: 0 },
    run: async ({ log }, { workflowId, attempt, node }) => {
      await executed(log, `${workflowId} try ${attempt} ${node}`, 0);
      if (attempt === 1) throw new Error('the first one always fails');
      return { attempt };
    },
  })
  .build();

/** Its second step fails until there is a file `log.mended`, and then goes on until there is `log.open`. */
export const bridge = workflow('bridge', { input })
  .task('pack', {
    run: async ({ log }, { workflowId, attempt }) => {
      await executed(log, `${workflowId} pack ${attempt}`, 0);
      return { packed: true };
    },
  })
  .task('drive', {
    needs: ['pack'],
    retry: { maxAttempts: 1 },
    run: async ({ log }, { workflowId, attempt }) => {
      await executed(log, `${workflowId} drive ${attempt}`, 0);
      if (!existsSync(`${log}.mended`)) throw new Error('the bridge is closed');
      while (!existsSync(`${log}.open`)) await sleep(20);
      return { drove: attempt };
    },
  })
  .build();

/** Waits for one signal after the other; what comes early waits for its turn. */
export const gates = workflow('gates', { input })
  .signal('first')
  .task('between', {
    needs: ['first'],
    run: async ({ log }, { workflowId, attempt }) => {
      await executed(log, `${workflowId} between ${attempt}`, 0);
      return { between: attempt };
    },
  })
  .signal('second', { needs: ['between'] })
  .build();

/** Its one step is code of `remote.ts`, which other nodes have. */
export const errand = workflow('errand', { input }).task('go', { uses: 'remote' }).build();

async function executed(log: string, line: string, ms: number): Promise<void> {
  appendFileSync(log, `${line}\n`);
  if (ms > 0) await sleep(ms);
}
