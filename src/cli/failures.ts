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
  const hint = hints[codeOf(error)] ?? '';
  const message = redacted(error instanceof Error ? error.message : String(error)) + hint;
  process.stderr.write(
    json
      ? `${JSON.stringify({ error: { code: codeOf(error), message } })}\n`
      : `temjob: ${message}\n`,
  );
  if (process.env['TEMJOB_DEBUG'] && error instanceof Error) {
    process.stderr.write(`${redacted(error.stack ?? '')}\n`);
  }
  return exitCodeOf(error);
}
