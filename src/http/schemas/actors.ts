import { z } from 'zod';

import { isActorKey } from '#actors/ids.ts';

import { duration, durationText, json, name } from './parts.ts';

export const actorPath = z.object({
  name: name.meta({ description: 'The name of the actor definition.', examples: ['counter'] }),
  key: z
    .string()
    .refine(isActorKey, 'must be 1 to 100 letters, digits and _ . : @ -')
    .meta({ description: 'Which of them.', examples: ['c1'] }),
});

export const actorMessage = z
  .strictObject({
    message: name.meta({ description: 'The name of a handler.', examples: ['add'] }),
    payload: json.default(null),
    id: z
      .string()
      .min(1)
      .max(128)
      .exactOptional()
      .meta({ description: 'The same id again is applied once.' }),
    timeout: duration
      .refine((ms) => ms > 0 && ms <= 60_000, 'must be at most 60s')
      .exactOptional()
      .meta({ description: `How long to wait for the turn, at most 60s. ${durationText}` }),
  })
  .meta({ id: 'ActorMessage', examples: [{ message: 'add', payload: 2 }] });

export const reply = z.object({ reply: json.meta({ description: 'What the handler replied.' }) });

export const accepted = z.object({ accepted: z.literal(true) });
