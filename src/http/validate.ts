import type { z } from 'zod';

import { didYouMean } from '#actors/did-you-mean.ts';

import { type FieldProblem, invalid } from './problems.ts';

/** The value as the schema reads it, or a problem that points at every field that is wrong. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: 'body' | 'query' | 'path' | 'header' = 'body',
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.flatMap((issue) => fieldProblems(issue, place, fieldsOf(schema))),
  );
}

/** The problems of a message as one sentence, or null when it is what the schema says. */
export function complaint(schema: z.ZodType, value: unknown): string | null {
  const result = schema.safeParse(value);
  if (result.success) return null;
  return result.error.issues
    .map(
      (issue) =>
        `${issue.path.length === 0 ? 'the message' : issue.path.join('.')}: ${issue.message}`,
    )
    .join('; ');
}

function fieldProblems(
  issue: z.core.$ZodIssue,
  place: string,
  known: readonly string[],
): readonly FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const what = place === 'query' ? 'query parameter' : 'field';
    return issue.keys.map((key) => ({
      pointer: pointerTo([...issue.path, key], place),
      detail: `unknown ${what} ${JSON.stringify(key)}.${suggestion(key, known)}`,
    }));
  }
  const repeated =
    place === 'query' && issue.code === 'invalid_type' && issue.message.endsWith('received array');
  return [
    {
      pointer: pointerTo(issue.path, place),
      detail: repeated ? 'is given more than once' : sentence(issue),
    },
  ];
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message;
  return issue.message.endsWith('received undefined') ? 'is required' : issue.message;
}

function pointerTo(path: readonly PropertyKey[], place: string): string {
  if (place !== 'body') return path.length === 0 ? '' : `?${path.map(String).join('.')}`;
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

function fieldsOf(schema: z.ZodType): readonly string[] {
  return 'shape' in schema && typeof schema.shape === 'object' && schema.shape !== null
    ? Object.keys(schema.shape)
    : [];
}

/** ` Did you mean "limit"?`, ` Known are …`, or nothing when there is nothing to choose from. */
function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  return didYouMean(name, known) || ` Known are ${known.join(', ')}.`;
}
