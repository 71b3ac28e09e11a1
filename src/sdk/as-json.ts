import type { Json } from '#actors/json.ts';
import { ClusterError } from '#cluster/api.ts';

/**
 * What JSON makes of a value, which is what gets stored, whichever way the call goes.
 * @throws ClusterError `INVALID_INPUT` for what JSON cannot say
 */
export function asJson(value: unknown, what: string): Json {
  try {
    const json: Json = JSON.parse(JSON.stringify(value ?? null));
    return json;
  } catch (error) {
    throw new ClusterError('INVALID_INPUT', `${what} is not JSON: ${String(error)}`, {
      cause: error,
    });
  }
}
