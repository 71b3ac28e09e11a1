import { z } from 'zod';

import { isWorkflowId } from '#actors/ids.ts';

/* What pages say in the live protocol. */

export const subscribeMessage = z.strictObject({
  topic: z.string().refine(isTopic, 'is no topic'),
  since: z.strictObject({ epoch: z.string().max(64), ver: z.number().nonnegative() }).optional(),
});

export const unsubscribeMessage = z.strictObject({ topic: z.string().max(200) });

function isTopic(topic: string): boolean {
  return (
    topic === 'workflows' ||
    topic === 'overview' ||
    topic === 'cluster' ||
    (topic.startsWith('workflow:') && isWorkflowId(topic.slice('workflow:'.length)))
  );
}
