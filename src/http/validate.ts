import { z } from 'zod';

import { didYouMean } from '#actors/did-you-mean.ts';

import { type FieldProblem, invalid } from './problems.ts';

/** The parts of a request by name (`path`, `query`, `headers`, `body`), or a problem that points at every field that is wrong. */
export function read<Schema extends z.ZodObject>(
  schema: Schema,
  parts: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  const result = schema.safeParse(parts);
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.flatMap((issue) => {
      const [part, ...path] = issue.path;
      const at = { part: String(part), path };
      return fieldProblems(issue, at, fieldsOf(schema.shape[String(part)]));
    }),
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

interface Place {
  /** The part of the request. */
  readonly part: string;
  readonly path: readonly PropertyKey[];
}

function fieldProblems(
  issue: z.core.$ZodIssue,
  { part, path }: Place,
  known: readonly string[],
): readonly FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const what = part === 'query' ? 'query parameter' : 'field';
    // The names that are known are those at the top.
    const near = path.length === 0 ? known : [];
    return issue.keys.map((key) => ({
      pointer: pointerTo({ part, path: [...path, key] }),
      detail: `unknown ${what} ${JSON.stringify(key)}.${suggestion(key, near)}`,
    }));
  }
  const repeated =
    part === 'query' && issue.code === 'invalid_type' && issue.message.endsWith('received array');
  return [
    {
      pointer: pointerTo({ part, path }),
      detail: repeated ? 'is given more than once' : sentence(issue, { part, path }),
    },
  ];
}

function sentence(issue: z.core.$ZodIssue, { part, path }: Place): string {
  if (issue.code !== 'invalid_type') return issue.message;
  const isMissing = issue.message.endsWith('received undefined');
  // Its pointer is empty, so the sentence has to name it.
  if (part === 'body' && path.length === 0) {
    return isMissing
      ? 'the body is required: send JSON, with "Content-Type: application/json"'
      : `the body: ${issue.message}`;
  }
  return isMissing ? 'is required' : issue.message;
}

function pointerTo({ part, path }: Place): string {
  const name = path.map(String).join('.');
  switch (part) {
    case 'query':
      return `?${name}`;
    case 'path':
      return `{${name}}`;
    case 'headers':
      return `${name}:`;
    default:
      return path
        .map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`)
        .join('');
  }
}

/** The names that a part may have, whatever its schema is wrapped in. */
function fieldsOf(schema: z.core.$ZodType | undefined): readonly string[] {
  if (schema instanceof z.ZodPrefault) return fieldsOf(schema.unwrap());
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** ` Did you mean "limit"?`, ` Known are …`, or nothing when there is nothing to choose from. */
function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  return didYouMean(name, known) || ` Known are ${known.join(', ')}.`;
}
