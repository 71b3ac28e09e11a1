import { z } from 'zod';

import type { ClusterView, MinuteCounts, NodeView } from '#cluster/api.ts';

import { count, instant, list, wholeOr } from './parts.ts';

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

export const throughputQuery = z.strictObject({
  minutes: wholeOr(60, 1, 7 * 24 * 60, 'How many minutes, this one included.'),
});

const minute = z
  .object({
    at: instant.meta({ description: 'The start of the minute.' }),
    started: count,
    completed: count,
    failed: count,
    canceled: count,
  })
  .meta({ id: 'Minute' }) satisfies z.ZodType<MinuteCounts>;

export const throughput = z.object({ minutes: list(minute) });

export const nodePath = z.object({
  name: z.string().meta({ description: 'The name of the node.', examples: ['a'] }),
});

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

export const nodeList = z.object({ nodes: list(node) });
