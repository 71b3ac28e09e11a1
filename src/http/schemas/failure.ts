import { z } from 'zod';

import type { Failure } from '#actors/failure.ts';

import { json, count } from './parts.ts';

export const failure = z
  .object({
    kind: z
      .enum([
        'error',
        'timeout',
        'crashed',
        'invalid',
        'too-large',
        'poisoned',
        'no-handler',
        'canceled',
      ])
      .meta({ description: 'What kind of thing went wrong.' }),
    name: z.string().meta({ description: 'The class name of the error.', examples: ['TypeError'] }),
    message: z.string(),
    stack: z.string().exactOptional(),
    details: json.exactOptional(),
    retryable: z.boolean().meta({ description: 'False when another attempt cannot help.' }),
    retryAfterMs: count.exactOptional().meta({
      description: 'Milliseconds until the next attempt, when the handler asked for a time.',
    }),
    step: z.string().exactOptional().meta({ description: 'The step that failed.' }),
  })
  .meta({
    id: 'Failure',
    description: 'Why an attempt, a workflow or a turn of an actor did not succeed.',
  }) satisfies z.ZodType<Failure>;
