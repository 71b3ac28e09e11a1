import type { RetryPolicy } from './definition.ts';
import type { Failure } from './failure.ts';

/** What is known when an attempt has failed. Times are milliseconds since 1970. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly failure: Failure;
  readonly firstScheduledAt: number;
  readonly now: number;
  /** 0 <= random < 1 */
  readonly random: number;
}

/** When to try again, or null when that attempt was the last. */
export function retryAt(policy: RetryPolicy, failed: FailedAttempt): number | null {
  const { attempt, failure, firstScheduledAt, now, random } = failed;
  if (!failure.retryable || policy.nonRetryable.includes(failure.name)) return null;
  if (attempt >= policy.maxAttempts) return null;
  const at = now + Math.min(failure.retryAfterMs ?? backoffMs(policy, attempt, random), longestMs);
  if (policy.maxElapsedMs !== null && at > firstScheduledAt + policy.maxElapsedMs) return null;
  return at;
}

/** Ten years: an instant that every clock, date and store can hold. */
const longestMs = 10 * 365 * 86_400_000;

/** Exponential, capped, with jitter that only ever shortens: d * (1 - jitter * random). */
function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  // From about the thousandth attempt on the power is infinite, and infinitely many times an interval of 0 is no number.
  const growth = Math.min(policy.backoffCoefficient ** (attempt - 1), Number.MAX_VALUE);
  const grown = policy.initialIntervalMs * growth;
  return Math.round(Math.min(grown, policy.maxIntervalMs) * (1 - policy.jitter * random));
}
