import { z } from 'zod';

import { list } from './parts.ts';

export const alive = z.object({ status: z.literal('ok') });

/** `?verbose` and `?verbose=true` are the same. */
export const readyQuery = z.strictObject({
  verbose: z
    .enum(['', 'true', 'false'])
    .default('false')
    .transform((text) => text !== 'false')
    .meta({ description: 'Lists what was looked at.', override: { type: 'boolean' } }),
});

export const check = z.object({
  name: z.enum(['serving', 'mysql', 'redis', 'membership']),
  ok: z.boolean(),
  why: z.string().exactOptional(),
});

export const ready = z.object({
  status: z.literal('ready'),
  checks: list(check).exactOptional(),
});

export const started = z.object({ status: z.literal('started') });
