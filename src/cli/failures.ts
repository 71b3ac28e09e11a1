import { ClusterError } from '#cluster/api.ts';

import { redacted } from '../runtime/redaction.ts';
import { codeOf, exitCodeOf } from './exit-codes.ts';

/** The command line itself was wrong, in a way that only the command can see. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'WRONG_USAGE';
}

/** How to mend it here, where the message is that of the API. */
const hints: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: ' Here: --key KEY, or TEMJOB_KEY in the environment.',
};

/** Says on stderr what went wrong, without a stack, and returns the exit code that means it. */
export function report(error: unknown, { json }: { readonly json: boolean }): number {
  const code = codeOf(error);
  const message = (error instanceof Error ? error.message : String(error)) + (hints[code] ?? '');
  const problems = error instanceof ClusterError ? error.problems : [];
  const found = problems.length === 0 ? {} : { problems };
  // The message has the first of them.
  const others = problems.slice(1).map(({ pointer, detail }) => `\n  also: ${pointer} ${detail}`);
  const said = json
    ? JSON.stringify({ error: { code, message, ...found } })
    : `temjob: ${message}${others.join('')}`;
  process.stderr.write(`${redacted(said)}\n`);
  if (process.env['TEMJOB_DEBUG'] && error instanceof Error) {
    process.stderr.write(`${redacted(error.stack ?? '')}\n`);
  }
  return exitCodeOf(error);
}
