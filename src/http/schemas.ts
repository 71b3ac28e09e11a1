import { z } from 'zod';

import { parseDuration } from '#actors/duration.ts';
import { isActorKey, isWorkflowId } from '#actors/ids.ts';
import type { Json, JsonObject } from '#actors/json.ts';

/*
 * One schema per message that comes in; the types of the routes are inferred from them. All are strict: a field that is not
 * known is an error, because a misspelled option that does nothing is worse than one that is refused.
 */

// JSON.parse made these values, so they are JSON but for what JSON text can say and JSON values cannot hold.
const json = z.custom<Json>((value) => value !== undefined, 'is required').superRefine(checkValue);
const jsonObject = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  )
  .superRefine(checkValue);

const workflowId = z
  .string()
  .refine(
    isWorkflowId,
    'must be 1 to 128 letters, digits and _ . : @ -, beginning with a letter or digit',
  );
const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return parseDuration(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});
const state = z.enum(['pending', 'running', 'completed', 'failed', 'canceled']);

/** A whole number in a query. */
function whole(least: number, most: number) {
  return z
    .string()
    .refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      message: `must be a whole number from ${least} to ${most}`,
    })
    .transform(Number);
}

export const noQuery = z.strictObject({});

export const listQuery = z.strictObject({
  limit: whole(1, 200).default(20),
  offset: whole(0, 10_000).default(0),
  state: state.optional(),
  name: z.string().min(1).max(100).optional(),
});

export const startBody = z.strictObject({
  name: z.string().min(1).max(100),
  input: jsonObject.default({}),
  id: workflowId.optional(),
  version: z.string().min(1).max(100).optional(),
  timeout: duration.refine((ms) => ms > 0, 'must be more than zero').optional(),
  on_conflict: z.enum(['fail', 'use_existing']).default('fail'),
});

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters');

export const resultQuery = z.strictObject({
  wait: duration.refine((ms) => ms <= 60_000, 'must be at most 60s').default(0),
});

export const logsQuery = z.strictObject({
  step: whole(0, 999_999).optional(),
  limit: whole(1, 1000).default(200),
});

export const cancelBody = z.strictObject({ reason: z.string().max(1000).optional() });

export const definitionQuery = z.strictObject({ version: z.string().min(1).max(100).optional() });

export const actorPath = z.object({
  name: z.string().min(1).max(100),
  key: z.string().refine(isActorKey, 'must be 1 to 100 letters, digits and _ . : @ -'),
});

export const actorBody = z.strictObject({
  message: z.string().min(1).max(100),
  payload: json.default(null),
  id: z.string().min(1).max(128).optional(),
  timeout: duration.refine((ms) => ms > 0 && ms <= 60_000, 'must be at most 60s').optional(),
});

export const subscribeMessage = z.strictObject({
  topic: z.string().refine(isTopic, 'is no topic'),
  since: z.strictObject({ epoch: z.string().max(64), ver: z.number().nonnegative() }).optional(),
});

export const unsubscribeMessage = z.strictObject({ topic: z.string().max(200) });

function isTopic(topic: string): boolean {
  return (
    topic === 'workflows' ||
    (topic.startsWith('workflow:') && isWorkflowId(topic.slice('workflow:'.length)))
  );
}

// Deeper than anyone writes by hand, and far from where recursion over the value runs out of stack.
const depthLimit = 200;

/** JSON text can say 1e999, which becomes Infinity and would be stored as null; and it can nest deeper than any stack. */
function checkValue(value: unknown, context: z.RefinementCtx): void {
  const open: { value: unknown; path: (string | number)[] }[] = [{ value, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value === 'number' && !Number.isFinite(next.value)) {
      context.addIssue({ code: 'custom', path: next.path, message: 'is too large for a number' });
      return;
    }
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.path.length >= depthLimit) {
      context.addIssue({ code: 'custom', message: `nests deeper than ${depthLimit} levels` });
      return;
    }
    for (const [key, inner] of Object.entries(next.value)) {
      // Only what can be wrong or hold something wrong is visited.
      if (typeof inner === 'number' ? !Number.isFinite(inner) : typeof inner === 'object') {
        open.push({ value: inner, path: [...next.path, key] });
      }
    }
  }
}
