import { z } from 'zod';

import { count, instant, list } from './parts.ts';
import { taskState } from './tasks.ts';

export const graph = z
  .object({
    name: z.string(),
    version: z.string(),
    steps: list(
      z.object({
        name: z.string(),
        task: z.string().meta({ description: 'The type of its task.' }),
        needs: list(z.string()).meta({ description: 'The steps that must have ended before.' }),
        on_error: z
          .string()
          .nullable()
          .meta({ description: 'The step that runs instead of failing the workflow.' }),
        conditional: z.boolean().meta({ description: 'Has a condition, and may be skipped.' }),
        signal: z.boolean().meta({ description: 'Waits for the signal of its name.' }),
        task_id: z.string(),
        state: taskState,
        attempt: count,
        started_at: instant.exactOptional(),
        completed_at: instant.exactOptional(),
        error: z.string().exactOptional(),
      }),
    ),
  })
  .meta({ id: 'Graph', description: 'The steps of a workflow, with how far each is.' });
