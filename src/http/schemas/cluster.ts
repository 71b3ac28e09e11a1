import { z } from 'zod';

import type { ClusterView, NodeView } from '#cluster/api.ts';

import { count, instant, list } from './parts.ts';

export const stats = z
  .object({
    total_workflows: count,
    pending: count,
    running: count,
    completed: count,
    failed: count,
    canceled: count,
  })
  .meta({ id: 'Stats', description: 'How many workflows there are, by state.' });

export const node = z
  .object({
    name: z.string(),
    state: z.enum(['up', 'draining', 'suspect', 'down']),
    url: z.string().nullable().meta({ description: 'Its door, when it has one.' }),
    shards: count.meta({ description: 'How many shards it owns.' }),
    offers: list(z.string()).meta({
      description: 'The types of tasks and actors that it can run.',
    }),
    started_at: instant,
  })
  .meta({ id: 'Node', description: 'A process of the cluster.' }) satisfies z.ZodType<NodeView>;

export const cluster = z
  .object({
    node: z.string().meta({ description: 'The node that answered.' }),
    shards: count,
    nodes: list(node),
  })
  .meta({ id: 'Cluster' }) satisfies z.ZodType<ClusterView>;
