import type { StandardSchemaV1 } from '@standard-schema/spec';

import type { AnyWorkflow } from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';

import { ClusterError } from './api.ts';

export const inputLimitBytes = 2 * 1024 * 1024;

/** Checks the input of a start before anything is stored. Resolves with it, as the schema made it. */
export async function admit(
  name: string,
  input: JsonObject,
  code: AnyWorkflow | null,
): Promise<JsonObject> {
  const admitted = code?.input === undefined ? input : await validate(name, input, code.input);
  const bytes = Buffer.byteLength(JSON.stringify(admitted));
  if (bytes > inputLimitBytes) {
    throw new ClusterError(
      'TOO_LARGE',
      `the input of ${name} has ${bytes} bytes; at most ${inputLimitBytes} are taken: pass a reference to large data`,
    );
  }
  return admitted;
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
