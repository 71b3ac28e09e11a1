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
  const at = now + (failure.retryAfterMs ?? backoffMs(policy, attempt, random));
  if (policy.maxElapsedMs !== null && at > firstScheduledAt + policy.maxElapsedMs) return null;
  return at;
}

/** Exponential, capped, with jitter that only ever shortens: d * (1 - jitter * random). */
function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const grown = policy.initialIntervalMs * policy.backoffCoefficient ** (attempt - 1);
  return Math.round(Math.min(grown, policy.maxIntervalMs) * (1 - policy.jitter * random));
}
