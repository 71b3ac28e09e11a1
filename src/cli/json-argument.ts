import { text } from 'node:stream/consumers';

import type { Json } from '#actors/json.ts';

import { UsageError } from './failures.ts';

/** What was written as JSON on the command line, or to stdin where `-` is written. */
export async function jsonOf(what: string, given: string, example: string): Promise<Json> {
  const written = given === '-' ? await text(process.stdin) : given;
  try {
    const json: Json = JSON.parse(written);
    return json;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${what} is not JSON: ${why}. Quote it for the shell, like '${example}'.`);
  }
}
