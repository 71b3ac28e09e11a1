import { z } from 'zod';

import { scopes } from '../auth/principal.ts';
import { list } from './parts.ts';

export const whoami = z
  .object({
    name: z
      .string()
      .meta({ description: 'The name of the key; `anonymous` where none is asked for.' }),
    scopes: list(z.enum(scopes)),
    authentication: z.enum(['none', 'key', 'session']),
    dev: z.boolean().meta({ description: 'Whether this node is in development mode.' }),
  })
  .meta({ id: 'WhoAmI' });

export const signInBody = z
  .strictObject({
    key: z.string().min(1).max(512).meta({ description: 'An API key, `tk_…`.' }),
  })
  .meta({ id: 'SignIn' });
