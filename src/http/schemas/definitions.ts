import { z } from 'zod';

import type { Graph, RetryPolicy, Step, Timeouts } from '#actors/definition.ts';
import type { DefinitionVersion } from '#cluster/api.ts';

import { count, instant, integer, jsonObject, list, name } from './parts.ts';

export const definitionPath = z.object({
  name: z
    .string()
    .meta({ description: 'The name of the definition.', examples: ['order_processing'] }),
});

export const definitionQuery = z.strictObject({
  version: name.exactOptional().meta({ description: 'The newest unless given.' }),
});

const retryPolicy = z
  .object({
    maxAttempts: count.meta({ description: 'Attempts in all, the first one included.' }),
    initialIntervalMs: count,
    backoffCoefficient: z.number(),
    maxIntervalMs: count,
    jitter: z.number().meta({ description: '0 to 1: the delay is d * (1 - jitter * random).' }),
    maxElapsedMs: count.nullable(),
    nonRetryable: list(z.string()),
  })
  .meta({
    id: 'RetryPolicy',
    description: 'When a failed attempt is tried again; times are milliseconds.',
  }) satisfies z.ZodType<RetryPolicy>;

const timeouts = z
  .object({
    startToCloseMs: count.nullable().meta({ description: 'One attempt, from its start.' }),
    scheduleToStartMs: count
      .nullable()
      .meta({ description: 'One attempt, waiting for a free worker.' }),
    scheduleToCloseMs: count.nullable().meta({ description: 'The task with all its attempts.' }),
    heartbeatMs: count
      .nullable()
      .meta({ description: 'The longest silence of a running attempt.' }),
  })
  .meta({
    id: 'Timeouts',
    description: 'In milliseconds; null is none.',
  }) satisfies z.ZodType<Timeouts>;

export const step = z
  .object({
    name: z.string(),
    task: z.string().meta({ description: 'The type of its task.' }),
    queue: z.string().meta({ description: 'The key under which nodes offer the handler.' }),
    needs: list(z.string()).meta({ description: 'The steps that must have ended before.' }),
    retry: retryPolicy,
    timeouts,
    onError: z
      .string()
      .nullable()
      .meta({ description: 'The step that runs instead of failing the workflow.' }),
    conditional: z.boolean().meta({ description: 'Has a condition, and may be skipped.' }),
    mapped: z.boolean().meta({ description: 'Has a mapping of its input.' }),
    whenNeedsSkipped: z.enum(['run', 'skip']),
    priority: integer.meta({ description: '1 (first) to 5 (last).' }),
    isolate: z.boolean().meta({ description: 'Has a thread of its own.' }),
    signal: z
      .object({
        schema: jsonObject
          .exactOptional()
          .meta({ description: 'JSON Schema of the payload, when it is known.' }),
      })
      .exactOptional()
      .meta({ description: 'There when the step waits for the signal of its name.' }),
    open: list(z.enum(['initialIntervalMs', 'maxIntervalMs', 'startToCloseMs']))
      .exactOptional()
      .meta({
        description:
          'Limits that its author left open: the configuration of a cluster may set them.',
      }),
  })
  .meta({ id: 'Step' }) satisfies z.ZodType<Step>;

export const definition = z
  .object({
    name: z.string(),
    version: z.string().meta({ description: 'Changes with everything that decides how it runs.' }),
    steps: list(step),
    timeoutMs: count.nullable(),
    onFailure: z
      .enum(['cancelSiblings', 'letFinish'])
      .meta({ description: 'What the first failed step does to the steps beside it.' }),
    inputSchema: jsonObject
      .exactOptional()
      .meta({ description: 'JSON Schema of the input, when it is known.' }),
  })
  .meta({
    id: 'Definition',
    description: 'The named, versioned graph of steps.',
  }) satisfies z.ZodType<Graph>;

export const definitionWithVersions = definition
  .extend({
    versions: list(
      z.object({
        version: z.string(),
        registered_at: instant,
      }) satisfies z.ZodType<DefinitionVersion>,
    ).meta({ description: 'All versions of it, newest first.' }),
  })
  .meta({ id: 'DefinitionWithVersions' });

export const definitionList = z.object({ definitions: list(definition) });
