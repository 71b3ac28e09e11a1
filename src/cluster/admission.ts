import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { fromJSONSchema } from 'zod';

import type { AnyWorkflow, AwaitedSignal, Graph } from '#actors/definition.ts';
import { isJsonObject, type Json, type JsonObject } from '#actors/json.ts';
import { tagProblems, type Tags } from '#actors/tags.ts';

import { ClusterError, type SignalRequest, type StartRequest } from './api.ts';

const inputLimitBytes = 2 * 1024 * 1024;

/** What the start command takes over of a request. */
export interface Admitted {
  readonly input: JsonObject;
  readonly inputDigest?: string;
  readonly tags?: Tags;
}

/**
 * Checks the tags and the input of a start before anything is stored. Resolves with the input as the schema made it: with the
 * definition's own schema on a node that has its code, with the JSON Schema that is stored with the graph on any other.
 */
export async function admit(
  graph: Graph,
  code: AnyWorkflow | null,
  { input, tags = {}, requestId }: Pick<StartRequest, 'input' | 'tags' | 'requestId'>,
): Promise<Admitted> {
  checkTags(tags);
  const schema = code === null ? storedSchema(graph.inputSchema) : code.input;
  const what = { name: `the input of ${graph.name}`, pointer: '/input' };
  const admitted = schema === undefined ? input : await validate(what, input, schema);
  if (!isJsonObject(admitted)) {
    const detail = 'is no object any more when its schema has been over it';
    throw new ClusterError('INVALID_INPUT', `${what.name} ${detail}`, {
      problems: [{ pointer: what.pointer, detail }],
    });
  }
  checkSize(what, admitted);
  return {
    input: admitted,
    // Defaults may be of the moment, and a newer version may have others: what was asked for is the same all the same.
    ...(schema === undefined || requestId === undefined ? {} : { inputDigest: digestOf(input) }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

/**
 * What the payload of a signal has to fit: the definition's own schema on a node that has its code, or that of another version
 * that says the same of it (workflows wait longer than versions live); elsewhere the JSON Schema that is stored with the graph.
 */
export function signalSchema(
  graph: Graph,
  signal: string,
  codes: readonly AnyWorkflow[],
): StandardSchemaV1 | undefined {
  const stored = awaited(graph, signal)?.schema;
  const own = codes.find((code) => code.graph.version === graph.version);
  const like = codes.findLast((code) => {
    const there = awaited(code.graph, signal);
    return there !== undefined && isDeepStrictEqual(there.schema, stored);
  });
  return (own ?? like)?.code[signal]?.payload ?? storedSchema(stored);
}

function awaited({ steps }: Graph, signal: string): AwaitedSignal | undefined {
  return steps.find(({ name }) => name === signal)?.signal;
}

/** The same for the payload of a signal. One that nobody knows is for the workflow to refuse. */
export async function admitSignal(
  schema: StandardSchemaV1 | undefined,
  { signal, payload, requestId }: SignalRequest,
): Promise<{ readonly payload: Json; readonly payloadDigest?: string }> {
  const what = { name: `the payload of ${signal}`, pointer: '/payload' };
  const admitted = await fitting(what, payload, schema);
  checkSize(what, admitted);
  return {
    payload: admitted,
    ...(requestId === undefined
      ? {}
      : { payloadDigest: digestOf(payload === undefined ? {} : payload) }),
  };
}

/** No payload is what a schema makes of nothing, such as its default; where it makes nothing of that, it is an empty object. */
async function fitting(
  what: Checked,
  payload: Json | undefined,
  schema: StandardSchemaV1 | undefined,
): Promise<Json> {
  if (schema === undefined) return payload === undefined ? {} : payload;
  if (payload !== undefined) return await validate(what, payload, schema);
  const { issues } = await schema['~standard'].validate(undefined);
  return await validate(what, issues === undefined ? undefined : {}, schema);
}

/** What is checked, and where in the request it is. */
interface Checked {
  readonly name: string;
  readonly pointer: string;
}

function checkSize({ name }: Checked, admitted: Json): void {
  const bytes = Buffer.byteLength(JSON.stringify(admitted));
  if (bytes > inputLimitBytes) {
    throw new ClusterError(
      'TOO_LARGE',
      `${name} has ${bytes} bytes; at most ${inputLimitBytes} are taken: pass a reference to large data`,
    );
  }
}

function checkTags(tags: Tags): void {
  const problems = tagProblems(tags).map(({ key, detail }) => ({
    pointer: key === '' ? '/tags' : `/tags/${escape(key)}`,
    detail,
  }));
  const [first] = problems;
  if (first === undefined) return;
  throw new ClusterError('INVALID_INPUT', `${first.pointer} ${first.detail}`, { problems });
}

/** Of what it says, whatever the order of its keys. */
function digestOf(given: Json): string {
  const text = JSON.stringify(given, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

const compiled = new WeakMap<JsonObject, StandardSchemaV1>();

function storedSchema(stored: JsonObject | undefined): StandardSchemaV1 | undefined {
  if (stored === undefined) return undefined;
  let schema = compiled.get(stored);
  if (schema === undefined) {
    schema = fromJSONSchema({ ...stored });
    compiled.set(stored, schema);
  }
  return schema;
}

async function validate(
  { name, pointer: base }: Checked,
  given: unknown,
  schema: StandardSchemaV1,
): Promise<Json> {
  const result = await schema['~standard'].validate(given);
  // What a schema makes of it (defaults, conversions) has to be JSON again before it is stored.
  if (result.issues === undefined) return JSON.parse(JSON.stringify(result.value ?? null));
  const problems = result.issues.map(({ path, message }) => ({
    pointer: `${base}${(path ?? []).map((part) => `/${escape(typeof part === 'object' ? part.key : part)}`).join('')}`,
    detail: message,
  }));
  const [first] = problems;
  throw new ClusterError(
    'INVALID_INPUT',
    `${name} does not fit its schema: ${first?.pointer ?? base}: ${first?.detail ?? 'invalid'}`,
    { problems },
  );
}

/** RFC 6901. */
function escape(part: PropertyKey): string {
  return String(part).replaceAll('~', '~0').replaceAll('/', '~1');
}
