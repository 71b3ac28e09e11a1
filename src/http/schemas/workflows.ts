import { z } from 'zod';

import { tagProblems } from '#actors/tags.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { WorkflowView } from '#actors/workflow-view.ts';
import type { WorkflowRow } from '#cluster/api.ts';

import { failure } from './failure.ts';
import {
  count,
  cursor,
  duration,
  durationInQuery,
  durationText,
  instant,
  instantOf,
  integer,
  json,
  jsonObject,
  list,
  name,
  newWorkflowId,
  nextCursor,
  record,
  someOf,
  whole,
  wholeOr,
  workflowPath,
} from './parts.ts';
import { why } from './why.ts';

const states = ['pending', 'running', 'completed', 'failed', 'canceled'] as const;

export const workflowState = z.enum(states).meta({
  id: 'WorkflowState',
}) satisfies z.ZodType<WorkflowStatus>;

// ---- what comes in ----

export const listQuery = z.strictObject({
  limit: wholeOr(20, 1, 200, 'The length of the page.'),
  offset: wholeOr(0, 0, 10_000, 'How many to pass over.'),
  cursor,
  state: someOf(states, 'In one of these states.'),
  name: name.exactOptional().meta({ description: 'The name of the definition.' }),
  id_prefix: z
    .string()
    .min(1)
    .max(128)
    .exactOptional()
    .meta({ description: 'What the id begins with.' }),
  tag: z
    .record(z.string(), z.string(), { error: 'is written as tag.KEY=VALUE' })
    .superRefine(checkTags)
    .exactOptional()
    .meta({
      description: 'With all of these tags. Written as `tag.KEY=VALUE` or `tag[KEY]=VALUE`.',
      param: { style: 'deepObject', explode: true },
    }),
  created_after: instantOf('Created then or later.').exactOptional(),
  created_before: instantOf('Created earlier than that.').exactOptional(),
  count: z
    .enum(['exact'])
    .exactOptional()
    .meta({ description: 'Counts all that fit, as `total`.' }),
});

const newTags = z
  .record(z.string(), z.string())
  .superRefine(checkTags)
  .meta({
    description:
      'To find it by: at most 16, with keys of 1 to 40 letters, digits and _ . - and values of at most 200 characters.',
    examples: [{ customer: 'acme' }],
  });

export const startBody = z
  .strictObject({
    name: name.meta({ description: 'The name of the definition.' }),
    input: jsonObject.default({}),
    id: newWorkflowId.exactOptional(),
    version: name.exactOptional().meta({
      description:
        'Unless given, that of which the node that is asked has the code, else the newest.',
    }),
    timeout: duration
      .refine((ms) => ms > 0, 'must be more than zero')
      .exactOptional()
      .meta({ description: `The workflow fails when it takes longer. ${durationText}` }),
    on_conflict: z
      .enum(['fail', 'use_existing'])
      .default('fail')
      .meta({ description: 'What an id that exists already means.' }),
    tags: newTags.exactOptional(),
  })
  .meta({
    id: 'Start',
    examples: [{ name: 'order_processing', input: { order: 7 }, id: 'order-7' }],
  });

export const startHeaders = z.object({
  'Idempotency-Key': idempotencyKey(
    'Makes repeats of one call the same start; another call under it is refused. Beside an `id` it guards the calls with that id.',
  ),
});

export const resultQuery = z.strictObject({
  wait: durationInQuery
    .refine((ms) => ms <= 60_000, 'must be at most 60s')
    .default(0)
    .meta({
      description: `How long to wait for the end, at most 60s. ${durationText}`,
      override: { default: 0 },
    }),
});

export const logsQuery = z.strictObject({
  step: whole(0, 999_999)
    .exactOptional()
    .meta({ description: 'The number of a step: only its lines.' }),
  limit: wholeOr(200, 1, 1000, 'The newest so many lines.'),
});

export const cancelBody = z
  .strictObject({ reason: z.string().max(1000).exactOptional() })
  .prefault({});

export const signalPath = workflowPath.extend({
  signal: z.string().meta({
    description: 'The name of the signal, which is that of the step.',
    examples: ['approve'],
  }),
});

export const signalHeaders = z.object({
  'Idempotency-Key': idempotencyKey(
    'Makes repeats of one call the same signal; another payload under it is refused.',
  ),
});

export const signalBody = z
  .strictObject({
    payload: json.exactOptional().meta({
      description:
        'What the step gets as its output. Left out, it is what the schema makes of nothing, or else an empty object.',
    }),
  })
  .prefault({})
  .meta({ id: 'Signal', examples: [{ payload: { approved: true, by: 'ada' } }] });

// ---- answers ----

const common = {
  id: z.string().meta({ examples: ['order-7'] }),
  name: z.string().meta({ description: 'The name of its definition.' }),
  version: z.string().meta({ description: 'The version of the definition that it runs on.' }),
  state: workflowState,
  input: jsonObject,
  output: jsonObject
    .exactOptional()
    .meta({ description: 'Its input with the outputs of its steps laid over, once it completed.' }),
  error: z
    .string()
    .exactOptional()
    .meta({ description: 'Why it failed, or the reason given for its cancellation.' }),
  created_at: instant,
  started_at: instant.exactOptional(),
  ended_at: instant.exactOptional(),
  tags: record(z.string()).meta({ description: 'What it was marked with when it was started.' }),
};

const taskIds = list(z.string()).meta({
  description: 'The ids of its tasks, in the order of the definition.',
});

export const workflow = z
  .object({
    ...common,
    tasks: taskIds,
    failure: failure.exactOptional(),
    outputs: record(json).meta({ description: 'The outputs of the steps apart, by step name.' }),
    timeout_at: instant.exactOptional(),
    why: why.exactOptional().meta({ description: 'Only while it has not ended.' }),
  })
  .meta({
    id: 'Workflow',
    description: 'One run of a definition.',
    examples: [
      {
        id: 'order-7',
        name: 'order_processing',
        version: 'a9b31ab94771',
        state: 'completed',
        input: { order: 7 },
        output: { order: 7, valid: true, charged: 42 },
        created_at: '2026-01-31T12:00:00.000Z',
        started_at: '2026-01-31T12:00:00.002Z',
        ended_at: '2026-01-31T12:00:00.251Z',
        tags: { customer: 'acme' },
        tasks: ['order-7.0', 'order-7.1'],
        outputs: { validate: { valid: true }, charge: { charged: 42 } },
      },
    ],
  }) satisfies z.ZodType<WorkflowView>;

/** What the cluster tells of a workflow in a list. */
export const workflowRow = z.object({
  ...common,
  seq: integer.meta({ description: 'The number of its newest event.' }),
  task_states: record(count).meta({
    description: 'How many of its tasks are in which state.',
    examples: [{ completed: 2, running: 1 }],
  }),
}) satisfies z.ZodType<WorkflowRow>;

/** A row with the seed's fields: in its lists, too, a workflow has the ids of its tasks. */
export const listedWorkflow = workflowRow
  .extend({ tasks: taskIds })
  .meta({ id: 'WorkflowRow', description: 'A workflow in a list.' });

export const workflowList = z.object({
  workflows: list(listedWorkflow),
  next_cursor: nextCursor,
  total: count
    .exactOptional()
    .meta({ description: 'How many fit; only when they were to be counted.' }),
});

export const started = z
  .object({
    workflow_id: z.string(),
    id: z.string().meta({ description: 'The same.' }),
    existing: z.boolean().meta({ description: 'Whether it had been started before.' }),
  })
  .meta({
    id: 'Started',
    examples: [{ workflow_id: 'order-7', id: 'order-7', existing: false }],
  });

export const result = z
  .object({ id: z.string(), state: z.literal('completed'), output: jsonObject })
  .meta({ id: 'Result' });

export const unfinished = z
  .object({
    id: z.string().exactOptional(),
    state: z.enum(['pending', 'running']),
  })
  .meta({ id: 'Unfinished' });

export const logLine = z
  .object({
    at: instant,
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: z.string(),
    task_id: z.string(),
    step: z.string().nullable(),
    attempt: count,
  })
  .meta({ id: 'LogLine' });

export const logs = z.object({ logs: list(logLine) });

export const message = z.object({ message: z.string() });

export const retried = z.object({ message: z.string(), id: z.string() });

export const signaled = z.object({ message: z.string(), id: z.string() });

function idempotencyKey(description: string) {
  return z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
    .exactOptional()
    .meta({ description });
}

function checkTags(tags: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  for (const { key, detail } of tagProblems(tags)) {
    context.addIssue({ code: 'custom', path: key === '' ? [] : [key], message: detail });
  }
}
