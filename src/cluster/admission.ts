import { createHash } from 'node:crypto';

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { fromJSONSchema } from 'zod';

import type { AnyWorkflow, Graph } from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';
import { tagProblems, type Tags } from '#actors/tags.ts';

import { ClusterError, type StartRequest } from './api.ts';

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
  const schema = code === null ? storedSchema(graph) : code.input;
  const admitted = schema === undefined ? input : await validate(graph.name, input, schema);
  checkSize(graph.name, admitted);
  return {
    input: admitted,
    // Defaults may be of the moment, and a newer version may have others: what was asked for is the same all the same.
    ...(schema === undefined || requestId === undefined ? {} : { inputDigest: digestOf(input) }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

function checkSize(name: string, admitted: JsonObject): void {
  const bytes = Buffer.byteLength(JSON.stringify(admitted));
  if (bytes > inputLimitBytes) {
    throw new ClusterError(
      'TOO_LARGE',
      `the input of ${name} has ${bytes} bytes; at most ${inputLimitBytes} are taken: pass a reference to large data`,
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
function digestOf(input: JsonObject): string {
  const text = JSON.stringify(input, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

const compiled = new WeakMap<Graph, StandardSchemaV1>();

function storedSchema(graph: Graph): StandardSchemaV1 | undefined {
  if (graph.inputSchema === undefined) return undefined;
  let schema = compiled.get(graph);
  if (schema === undefined) {
    schema = fromJSONSchema({ ...graph.inputSchema });
    compiled.set(graph, schema);
  }
  return schema;
}

async function validate(
  name: string,
  input: JsonObject,
  schema: StandardSchemaV1,
): Promise<JsonObject> {
  const result = await schema['~standard'].validate(input);
  if (result.issues === undefined) {
    // What a schema makes of it (defaults, conversions) has to be JSON again before it is stored.
    const value: JsonObject = JSON.parse(JSON.stringify(result.value));
    return value;
  }
  const problems = result.issues.map(({ path, message }) => ({
    pointer: `/input${(path ?? []).map((part) => `/${escape(typeof part === 'object' ? part.key : part)}`).join('')}`,
    detail: message,
  }));
  const [first] = problems;
  throw new ClusterError(
    'INVALID_INPUT',
    `the input of ${name} does not fit its schema: ${first?.pointer ?? '/input'}: ${first?.detail ?? 'invalid'}`,
    { problems },
  );
}

/** RFC 6901. */
function escape(part: PropertyKey): string {
  return String(part).replaceAll('~', '~0').replaceAll('/', '~1');
}
