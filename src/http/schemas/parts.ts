import { z } from 'zod';
import type { ZodOpenApiOverrideMetaContext } from 'zod-openapi';

import { parseDuration } from '#actors/duration.ts';
import { isWorkflowId } from '#actors/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '#actors/json.ts';

/*
 * What the schemas of several resources are made of. What comes in is strict: a field that is not known is an error, because
 * a misspelled option that does nothing is worse than one that is refused.
 */

// JSON.parse made these values, so they are JSON but for what JSON text can say and JSON values cannot hold.
export const json = z
  .custom<Json>((value) => value !== undefined, 'is required')
  .superRefine(checkValue)
  .meta({ description: 'Any JSON value.' });

export const jsonObject = z
  .custom<JsonObject>(isJsonObject, 'must be an object')
  .superRefine(checkValue)
  .meta({ override: { type: 'object', additionalProperties: true } });

const workflowIdRule =
  '1 to 128 letters, digits and _ . : @ -, beginning with a letter or digit' as const;

/** An id that a client chooses. */
export const newWorkflowId = z
  .string()
  .refine(isWorkflowId, `must be ${workflowIdRule}`)
  .meta({ description: `${workflowIdRule}.`, examples: ['order-7'] });

/** The id in a path: one that cannot be is one that is not found. */
export const workflowPath = z.object({
  id: z.string().meta({ description: 'The id of the workflow.', examples: ['order-7'] }),
});

export const durationText =
  'Milliseconds, or text with units from d, h, m, s, ms, biggest first: `250ms`, `5s`, `1h30m`.';

/** Milliseconds, out of what a person writes. */
export const duration = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    try {
      return parseDuration(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  })
  .meta({ override: showDuration });

/** The same in a query, where a number is text, too. */
export const durationInQuery = z
  .string()
  .transform((text) => (/^\d{1,12}$/.test(text) ? Number(text) : text))
  .pipe(duration)
  .meta({ override: showDuration });

function showDuration({ jsonSchema }: ZodOpenApiOverrideMetaContext): void {
  delete jsonSchema.anyOf;
  jsonSchema.type = ['string', 'number'];
  jsonSchema.examples = ['1h30m'];
}

/** A whole number in a query. */
export function whole(least: number, most: number) {
  return z
    .string()
    .refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      message: `must be a whole number from ${least} to ${most}`,
    })
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: least, maximum: most } });
}

/** The same, when it need not be there. */
export function wholeOr(otherwise: number, least: number, most: number, description: string) {
  return whole(least, most)
    .default(otherwise)
    .meta({ description, override: { default: otherwise } });
}

/** Some of these words in a query, separated by commas; or none. What wraps a schema loses what the document says of it as a parameter. */
export function someOf<Word extends string>(words: readonly Word[], description: string) {
  const known = new Map<string, Word>(words.map((word) => [word, word]));
  return z
    .string()
    .transform((text, context): readonly Word[] => {
      const found = text.split(',').flatMap((word) => known.get(word) ?? []);
      if (found.length === text.split(',').length) return found;
      context.addIssue({
        code: 'custom',
        message: `must be some of ${words.join(', ')}, separated by commas`,
      });
      return z.NEVER;
    })
    .exactOptional()
    .meta({
      description: `${description} Separated by commas.`,
      param: { style: 'form', explode: false },
      override: { type: 'array', items: { type: 'string', enum: [...words] } },
    });
}

/** An instant in a query, in milliseconds since 1970. */
export function instantOf(description: string) {
  const text = z.iso.datetime({
    offset: true,
    error: 'must be an instant as in RFC 3339: 2026-01-31T12:00:00Z, or with %2B01:00 for Z',
  });
  return text
    .transform((value) => Date.parse(value))
    .meta({
      description,
      override: ({ jsonSchema }: ZodOpenApiOverrideMetaContext) => {
        delete jsonSchema.pattern;
      },
    });
}

/** What `next_cursor` was, if there was one. */
export const cursor = z.string().min(1).max(1000).exactOptional().meta({
  description: 'The `next_cursor` of the page before, with the same filter.',
});

export const nextCursor = z.string().nullable().meta({
  description: 'Asks for the next page, as `cursor`; null when this is the last.',
});

/** The name of a definition, a version, a task type or an actor. */
export const name = z.string().min(1).max(100);

// ---- answers ----

/** An instant of an answer, RFC 3339 in UTC. */
export const instant = z
  .string()
  .meta({ format: 'date-time', examples: ['2026-01-31T12:00:00.000Z'] });

export const integer = z.number().meta({ override: { type: 'integer' } });
export const count = z.number().meta({ override: { type: 'integer', minimum: 0 } });

/** A list of an answer: as the model has it, it is not for changing. */
export function list<Item extends z.ZodType>(item: Item) {
  return z.array(item).readonly();
}

/** Values by name. */
export function record<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value).readonly();
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
