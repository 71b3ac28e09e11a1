import { z } from 'zod';

import type { TaskStatus } from '#actors/workflow-state.ts';
import type { TaskView } from '#actors/workflow-view.ts';

import { failure } from './failure.ts';
import {
  count,
  cursor,
  instant,
  json,
  jsonObject,
  list,
  name,
  nextCursor,
  someOf,
  wholeOr,
} from './parts.ts';

const states = [
  'pending',
  'waiting',
  'running',
  'retrying',
  'completed',
  'failed',
  'canceled',
  'skipped',
] as const;

export const taskState = z.enum(states).meta({ id: 'TaskState' }) satisfies z.ZodType<TaskStatus>;

export const tasksQuery = z.strictObject({
  limit: wholeOr(20, 1, 200, 'The length of the page.'),
  cursor,
  type: name.exactOptional().meta({ description: 'Of this type.' }),
  state: someOf(states, 'In one of these states.'),
  node: z
    .string()
    .min(1)
    .max(200)
    .exactOptional()
    .meta({ description: 'The name of the node that runs or ran its newest attempt, or its id.' }),
  workflow_id: z
    .string()
    .min(1)
    .max(200)
    .exactOptional()
    .meta({ description: 'Of this workflow.' }),
});

export const taskPath = z.object({
  id: z.string().meta({
    description: 'The id of the task: that of its workflow, and the number of its step.',
    examples: ['order-7.0'],
  }),
});

export const task = z
  .object({
    id: z.string().meta({ examples: ['order-7.0'] }),
    workflow_id: z.string(),
    type: z.string().meta({ description: 'The type of the task, which its step names.' }),
    step: z.string(),
    depends_on: list(z.string()).meta({ description: 'The steps that must have ended before.' }),
    input: jsonObject,
    output: json.exactOptional(),
    state: taskState,
    error: z.string().exactOptional(),
    failure: failure.exactOptional(),
    retry_count: count,
    max_retries: count,
    attempt: count.meta({ description: '1 for the first attempt; 0 while none was handed out.' }),
    created_at: instant,
    started_at: instant.exactOptional(),
    completed_at: instant.exactOptional(),
    next_attempt_at: instant.exactOptional(),
    worker_id: z
      .string()
      .exactOptional()
      .meta({ description: 'The node that runs it, or ran it.' }),
    progress: z
      .object({ fraction: z.number().nullable(), note: z.string().nullable() })
      .exactOptional()
      .meta({ description: 'What its handler tells; the fraction is 0 to 1.' }),
    reason: z.string().exactOptional().meta({ description: 'Why it was skipped or canceled.' }),
  })
  .meta({
    id: 'Task',
    description: 'One execution of a step, with its attempts.',
    examples: [
      {
        id: 'order-7.1',
        workflow_id: 'order-7',
        type: 'charge',
        step: 'charge',
        depends_on: ['validate'],
        input: { order: 7, valid: true },
        output: { charged: 42 },
        state: 'completed',
        retry_count: 0,
        max_retries: 2,
        attempt: 1,
        created_at: '2026-01-31T12:00:00.010Z',
        started_at: '2026-01-31T12:00:00.012Z',
        completed_at: '2026-01-31T12:00:00.250Z',
        worker_id: 'a-1b2c3d',
      },
    ],
  }) satisfies z.ZodType<TaskView>;

export const taskList = z.object({ tasks: list(task) });

export const taskPage = z.object({ tasks: list(task), next_cursor: nextCursor });
