import { z } from 'zod';

import type { Why } from '#actors/why.ts';

import { instant } from './parts.ts';

export const why = z
  .object({
    code: z.enum([
      'WAITING_FOR_OWNER',
      'RUNNING',
      'RUNNING_SILENT',
      'WAITING_FOR_RETRY',
      'WAITING_FOR_SIGNAL',
      'NO_NODE_OFFERS_TYPE',
      'WAITING_FOR_CAPACITY',
      'STARTING',
    ]),
    step: z.string().exactOptional().meta({ description: 'The step that it is about.' }),
    params: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .readonly()
      .meta({ description: 'What a sentence about it names, such as `node`, `attempt`, `type`.' }),
    until: instant.exactOptional().meta({ description: 'When it goes on by itself, or gives up.' }),
  })
  .meta({
    id: 'Why',
    description: 'Why a workflow that has not ended is where it is.',
    examples: [
      {
        code: 'WAITING_FOR_RETRY',
        step: 'charge',
        params: { attempt: 2, max: 5, error: 'card declined' },
        until: '2026-01-31T12:00:00.000Z',
      },
    ],
  }) satisfies z.ZodType<Why>;
