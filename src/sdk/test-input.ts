import type { WorkflowDefinition } from '#actors/definition.ts';
import { isJsonObject, type Json, type JsonObject } from '#actors/json.ts';
import { jsonText } from '#cluster/compute/json-text.ts';

/** The input of a workflow, as its schema makes it. */
export function validInput(
  { graph, input: schema }: WorkflowDefinition<unknown, unknown>,
  input: unknown,
): JsonObject {
  const what = `the input of workflow "${graph.name}"`;
  const result = schema === undefined ? { value: input } : schema['~standard'].validate(input);
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
  const value = asJson(result.value, what);
  if (!isJsonObject(value)) throw new TypeError(`${what} must be an object.`);
  return value;
}

/** As it would arrive. */
export function asJson(value: unknown, what: string): Json {
  const json = jsonText(value);
  if (!json.ok) throw new TypeError(`${what} is not JSON: ${json.problem}.`);
  const parsed: Json = JSON.parse(json.text);
  return parsed;
}
