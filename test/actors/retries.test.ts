import { expect } from 'chai';
import * as fc from 'fast-check';

import type { RetryPolicy } from '#actors/definition.ts';
import { retryAt } from '#actors/retry.ts';

import { DrivenWorkflow, failureLike } from '../support/driven-workflow.ts';
import { graph, plainRetry } from '../support/graphs.ts';

/** Milliseconds until the next attempt, or null. */
function delay(
  policy: Partial<RetryPolicy>,
  attempt: number,
  { random = 0, failure = failureLike(), elapsed = 0 } = {},
): number | null {
  const now = 1_000_000;
  const at = retryAt(
    { ...plainRetry, maxAttempts: 5000, ...policy },
    { attempt, failure, firstScheduledAt: now - elapsed, now, random },
  );
  return at === null ? null : at - now;
}

describe('a retry policy', () => {
  it('makes maxAttempts attempts in all, the first included', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 3 } } }));

    for (const _ of [1, 2, 3]) {
      workflow.fail('a');
      workflow.pass(60_000);
    }

    expect(workflow.executed.map((work) => work.attempt)).to.deep.equal([1, 2, 3]);
    expect(workflow.state.status).to.equal('failed');
  });

  it('waits the initial interval, then longer by the coefficient, up to the longest', () => {
    const policy = { initialIntervalMs: 100, backoffCoefficient: 3, maxIntervalMs: 1000 };

    const delays = [1, 2, 3, 4].map((attempt) => delay(policy, attempt));

    expect(delays).to.deep.equal([100, 300, 900, 1000]);
  });

  it('shortens by chance, at most by the jitter, and never lengthens', () => {
    const policy = { initialIntervalMs: 1000, jitter: 0.5 };

    const delays = [0, 0.5, 0.999_999].map((random) => delay(policy, 1, { random }));

    expect(delays).to.deep.equal([1000, 750, 500]);
  });

  it('tries an error that is not retryable never again', () => {
    expect(delay({}, 1, { failure: failureLike({ retryable: false }) })).to.equal(null);
  });

  it('tries an error never again that it names', () => {
    const policy = { nonRetryable: ['CardDeclined'] };

    expect(delay(policy, 1, { failure: failureLike({ name: 'CardDeclined' }) })).to.equal(null);
    expect(delay(policy, 1, { failure: failureLike({ name: 'Timeout' }) })).to.equal(1000);
  });

  it('waits as long as the handler asked, whatever the intervals', () => {
    const failure = failureLike({ retryAfterMs: 90_000 });

    expect(delay({ maxIntervalMs: 10, jitter: 1 }, 1, { failure, random: 0.5 })).to.equal(90_000);
  });

  it('counts an attempt whose time the handler chose', () => {
    expect(delay({ maxAttempts: 2 }, 2, { failure: failureLike({ retryAfterMs: 1 }) })).to.equal(
      null,
    );
  });

  it('begins no attempt later than maxElapsed after the first was scheduled', () => {
    const policy = { maxElapsedMs: 10_000, initialIntervalMs: 1000 };

    expect(delay(policy, 1, { elapsed: 9000 })).to.equal(1000);
    expect(delay(policy, 1, { elapsed: 9001 })).to.equal(null);
  });

  it('without a wait makes the next attempt in the same decision', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { retry: { maxAttempts: 2, initialIntervalMs: 0 } } }),
    );

    workflow.fail('a');

    expect(workflow.task('a')).to.include({ status: 'pending', attempt: 2 });
    expect(workflow.executed.map((work) => work.attempt)).to.deep.equal([1, 2]);
  });

  it('gives the next attempt the newest heartbeat details of the one before', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));
    workflow.begin('a');
    workflow.progress('a', { details: { row: 7 } });

    workflow.fail('a');
    workflow.pass(1000);

    expect(workflow.given('a').heartbeatDetails).to.deep.equal({ row: 7 });
  });

  it('always names a whole, finite time from now on, or none', () => {
    const policies = fc.record({
      maxAttempts: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      initialIntervalMs: fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat()),
      backoffCoefficient: fc.double({ min: 1, max: 100, noNaN: true }),
      maxIntervalMs: fc.oneof(fc.constant(0), fc.maxSafeNat()),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      maxElapsedMs: fc.option(fc.maxSafeNat()),
    });
    const failures = fc
      .option(fc.maxSafeNat())
      .map((retryAfterMs) => failureLike(retryAfterMs === null ? {} : { retryAfterMs }));

    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 1, max: 1_000_000 }),
        failures,
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (policy, attempt, failure, random) => {
          const wait = delay(policy, attempt, { failure, random });

          if (wait === null) return;
          expect(Number.isSafeInteger(wait), String(wait)).to.equal(true);
          expect(wait).to.be.at.least(0);
          expect(() => new Date(1_000_000 + wait).toISOString()).not.to.throw();
        },
      ),
    );
  });
});
