import type { StandardSchemaV1 } from '@standard-schema/spec';

import type { AnyWorkflow } from '#actors/definition.ts';
import { isJsonObject, type Json, type JsonObject } from '#actors/json.ts';
import { jsonText } from '#cluster/compute/json-text.ts';

/** The input of a workflow, as its schema makes it. */
export function validInput({ graph, input: schema }: AnyWorkflow, input: unknown): JsonObject {
  const what = `the input of workflow "${graph.name}"`;
  const value = valid(schema, input, what);
  if (!isJsonObject(value)) throw new TypeError(`${what} must be an object.`);
  return value;
}

/** The payload of a signal, as its schema makes it; as in a cluster, none is what that makes of nothing, or else `{}`. */
export function validPayload(
  schema: StandardSchemaV1 | undefined,
  payload: unknown,
  what: string,
): Json {
  if (payload !== undefined) return valid(schema, payload, what);
  const nothing = schema?.['~standard'].validate(undefined);
  const isFine = nothing !== undefined && !(nothing instanceof Promise) && !nothing.issues;
  return isFine ? asJson(nothing.value ?? null, what) : valid(schema, {}, what);
}

/** What comes from outside, as its schema makes it. */
function valid(schema: StandardSchemaV1 | undefined, given: unknown, what: string): Json {
  const result = schema === undefined ? { value: given } : schema['~standard'].validate(given);
  if (result instanceof Promise) {
    throw new TypeError(`${what} is validated asynchronously, which the test kit cannot do.`);
  }
  if (result.issues !== undefined) {
    const problems = result.issues.map(({ path = [], message }) => {
      const at = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
      return at === '' ? message : `${at}: ${message}`;
    });
    throw new TypeError(`${what} is not valid: ${problems.join('; ')}`);
  }
  return asJson(result.value, what);
}

/** As it would arrive. */
export function asJson(value: unknown, what: string): Json {
  const json = jsonText(value);
  if (!json.ok) throw new TypeError(`${what} is not JSON: ${json.problem}.`);
  const parsed: Json = JSON.parse(json.text);
  return parsed;
}
