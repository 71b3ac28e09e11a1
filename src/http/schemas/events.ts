import { z } from 'zod';

import type { NumberedEvent } from '#cluster/api.ts';

import { failure } from './failure.ts';
import { count, integer, json, jsonObject, list, record, wholeOr } from './parts.ts';

export const eventsQuery = z.strictObject({
  after: wholeOr(0, 0, 999_999_999, 'Only events with a greater number.'),
  limit: wholeOr(200, 1, 1000, 'The length of the page.'),
});

const ms = integer.meta({ override: { type: 'integer' }, description: 'In ms since 1970.' });
const step = count.meta({ description: 'The number of the step in the definition.' });
const steps = list(step);
const node = z.string().meta({ description: 'The id of the node.' });
const ofStep = { step };
const ofAttempt = { step, attempt: count };
const by = z.string().meta({ description: 'The request that asked for it.' });
const reason = z.string();

export const event = z
  .discriminatedUnion('type', [
    numbered('workflow.accepted', {
      name: z.string(),
      version: z.string(),
      input: jsonObject,
      timeoutAt: ms.nullable(),
      by,
      tags: record(z.string()).exactOptional(),
      defaults: z
        .object({ startToCloseMs: ms.exactOptional(), retryIntervalMs: ms.exactOptional() })
        .exactOptional()
        .meta({ description: 'Of the cluster, for what the definition leaves open.' }),
      inputDigest: z.string().exactOptional(),
      trace: z
        .string()
        .meta({ description: 'The `traceparent` of its submit, when it is traced.' })
        .exactOptional(),
    }),
    numbered('task.scheduled', {
      ...ofAttempt,
      delivery: count.meta({ description: 'Counts how often the attempt was handed out.' }),
      where: z.string().meta({ description: 'The node that was to run it, or `queue`.' }),
      lost: z
        .literal(true)
        .exactOptional()
        .meta({ description: 'Handed out again because the node before died with it.' }),
    }),
    numbered('task.started', { ...ofAttempt, node }),
    numbered('task.progressed', {
      ...ofAttempt,
      fraction: z.number().exactOptional(),
      note: z.string().exactOptional(),
      details: json.exactOptional(),
    }),
    numbered('task.waiting', ofAttempt),
    numbered('task.signaled', {
      ...ofStep,
      payload: json,
      by,
      payloadDigest: z.string().exactOptional(),
    }),
    numbered('task.completed', {
      ...ofAttempt,
      startedAt: ms,
      node: node.nullable().meta({ description: 'The id of the node; null when a signal came.' }),
      output: json,
    }),
    numbered('task.skipped', { ...ofStep, reason }),
    numbered('task.failed', {
      ...ofAttempt,
      startedAt: ms.nullable(),
      node: node.nullable(),
      failure,
      retryAt: ms
        .nullable()
        .meta({ description: 'When the next attempt begins; null when this was the last.' }),
    }),
    numbered('task.canceled', { ...ofStep, reason }),
    numbered('workflow.failing', { failure }),
    numbered('workflow.retried', { steps, timeoutAt: ms.nullable(), by }),
    numbered('workflow.completed', {}),
    numbered('workflow.failed', { failure }),
    numbered('workflow.canceled', { reason }),
  ])
  .meta({
    id: 'Event',
    description: 'Something that happened to a workflow, as it is stored.',
    examples: [
      { seq: 3, type: 'task.started', at: 1769860800000, step: 0, attempt: 1, node: 'a-1b2c3d' },
    ],
  }) satisfies z.ZodType<NumberedEvent>;

export const eventPage = z.object({
  events: list(event),
  next: integer.nullable().meta({
    description: 'The `after` of the next page; null when nothing more has happened yet.',
  }),
});

function numbered<Type extends string, Shape extends z.core.$ZodLooseShape>(
  type: Type,
  shape: Shape,
) {
  return z.object({
    seq: count.meta({ description: 'Its number in the history of the workflow, from 1.' }),
    type: z.literal(type),
    at: ms,
    ...shape,
  });
}
