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
  .meta({
    id: 'Stats',
    description: 'How many workflows there are, by state.',
    examples: [
      { total_workflows: 12, pending: 0, running: 3, completed: 8, failed: 1, canceled: 0 },
    ],
  });

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
    draining: z.boolean().meta({
      description: 'It has handed its shards over or is about to, and takes no new work.',
    }),
    version: z.string().meta({ description: 'Of the program.' }),
    url: z.string().nullable().meta({ description: 'Its door, when it has one.' }),
    shards: count.meta({ description: 'How many shards it owns.' }),
    offers: list(z.string()).meta({
      description: 'The types of tasks and actors that it can run.',
    }),
    started_at: instant,
    heartbeat_age_ms: count.meta({ description: 'How long ago it was last seen to live.' }),
    load: z.object({
      running: count.meta({ description: 'Attempts and turns in its hands.' }),
      actors: count.meta({ description: 'Actors in its memory.' }),
      threads: count,
      utilization: z
        .number()
        .meta({ description: '0 to 1, of the event loop of its main thread.' }),
      rss_bytes: count,
    }),
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

export const killBody = z
  .strictObject({ node: z.string().min(1).max(200).meta({ description: 'Its name.' }) })
  .meta({ id: 'Kill', examples: [{ node: 'b' }] });
