import { setTimeout as sleep } from 'node:timers/promises';

import { workflow } from '#sdk/index.ts';

/* Handlers that hurt whatever they can reach, each as the first attempt of a step that then behaves. */

const retry = { maxAttempts: 2, initialInterval: '10ms', jitter: 0 } as const;

const hurts: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
  exits: async () => {
    await sleep(20);
    process.exit(3);
  },
  eats_memory: async () => {
    await sleep(20);
    const eaten: number[][] = [];
    for (;;) eaten.push(Array.from({ length: 10_000 }, (_, index) => index + Math.random()));
  },
  is_not_json: () => ({ big: 1n }),
  is_too_large: () => ({ text: 'x'.repeat(2 * 1024 * 1024 + 1) }),
  throws: () => {
    throw new TypeError('on purpose');
  },
  never_returns: async () => await new Promise(() => undefined),
};

export const hurtful = Object.entries(hurts).map(([name, hurt]) =>
  workflow(name)
    .task('hurt', {
      retry,
      timeout: name === 'never_returns' ? '300ms' : '1m',
      isolate: name === 'eats_memory',
      run: async (_input, { attempt, signal }) => {
        return attempt === 1 ? await hurt(signal) : { recovered: true };
      },
    })
    .build(),
);

/** Never gives its thread back. */
export const blocks = workflow('blocks')
  .task('block', {
    isolate: true,
    retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 },
    timeout: '300ms',
    run: async (_input, { attempt }) => {
      await sleep(10);
      if (attempt === 1) for (;;);
      return { recovered: true };
    },
  })
  .build();

export const deaf = workflow('deaf')
  .task('spin', {
    isolate: true,
    run: async () => {
      await sleep(10);
      for (;;);
    },
  })
  .task('after', { needs: ['spin'], run: () => ({}) })
  .build();

export const innocent = workflow('innocent')
  .task('work', { run: async () => await sleep(5, { fine: true }) })
  .build();
