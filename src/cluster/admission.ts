import type { StandardSchemaV1 } from '@standard-schema/spec';
import { fromJSONSchema } from 'zod';

import type { AnyWorkflow, Graph } from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';

import { ClusterError } from './api.ts';

const inputLimitBytes = 2 * 1024 * 1024;

/**
 * Checks the input of a start before anything is stored. Resolves with it, as the schema made it: with the definition's own
 * schema on a node that has its code, with the JSON Schema that is stored with the graph on any other.
 */
export async function admit(
  graph: Graph,
  code: AnyWorkflow | null,
  input: JsonObject,
): Promise<JsonObject> {
  const { name } = graph;
  const schema = code === null ? storedSchema(graph) : code.input;
  const admitted = schema === undefined ? input : await validate(name, input, schema);
  const bytes = Buffer.byteLength(JSON.stringify(admitted));
  if (bytes > inputLimitBytes) {
    throw new ClusterError(
      'TOO_LARGE',
      `the input of ${name} has ${bytes} bytes; at most ${inputLimitBytes} are taken: pass a reference to large data`,
    );
  }
  return admitted;
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
