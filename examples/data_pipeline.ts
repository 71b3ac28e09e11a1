import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * Extract, transform, validate, load, notify. Shows progress, a mapping that gives a handler only what it needs, and a step
 * that runs only when there is something to tell.
 */

const source = z.object({
  source: z.string(),
  target: z.string(),
  rows: z.int().min(0).default(500),
});

export const dataPipeline = workflow('data_pipeline', {
  input: source,
  retry: { maxAttempts: 5, initialInterval: '500ms', maxInterval: '10s' },
})
  .task('extract', {
    timeout: '1m',
    run: async ({ rows }, { progress, signal }) => {
      for (let part = 1; part <= 5; part += 1) {
        await pause(120, signal);
        progress(part / 5, `${Math.round((rows * part) / 5)} of ${rows} rows`);
      }
      return { extracted: rows };
    },
  })
  .task('transform', {
    needs: ['extract'],
    map: ({ outputs }) => ({ count: outputs.extract.extracted }),
    run: async ({ count }, { signal }) => {
      await pause(400, signal);
      const rejected = Math.floor(count / 100);
      return { transformed: count - rejected, rejected };
    },
  })
  .task('validate', {
    needs: ['transform'],
    run: async ({ extracted, transformed, rejected }) => {
      await pause(200);
      return { valid: extracted === transformed + rejected };
    },
  })
  .task('load', {
    needs: ['validate'],
    priority: 2,
    run: async ({ target, transformed }, { signal }) => {
      await pause(500, signal);
      return { loaded: transformed, loaded_into: target };
    },
  })
  .task('notify', {
    needs: ['load'],
    when: ({ merged }) => merged.rejected > 0,
    run: async ({ rejected }) => {
      await pause(150);
      return { notice: `${rejected} rows were rejected` };
    },
  })
  .build();
