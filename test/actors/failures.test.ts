import { expect } from 'chai';
import * as fc from 'fast-check';

import { failureOf, NonRetryableError, RetryAfterError } from '#actors/failure.ts';

class CardDeclined extends Error {}

class Renamed extends Error {
  override readonly name = 'SomethingElse';
}

describe('what was thrown', () => {
  it('becomes a failure with its name, message and stack', () => {
    const failure = failureOf(new TypeError('no such thing'));

    expect(failure).to.include({
      kind: 'error',
      name: 'TypeError',
      message: 'no such thing',
      retryable: true,
    });
    expect(failure.stack).to.include('failures.test.ts');
  });

  it('is named by its class when the class gives itself no name', () => {
    expect(failureOf(new CardDeclined('no')).name).to.equal('CardDeclined');
    expect(failureOf(new (class Worse extends RangeError {})('no')).name).to.equal('Worse');
  });

  it('is named as its class says when it says so', () => {
    expect(failureOf(new Renamed('no')).name).to.equal('SomethingElse');
    expect(failureOf(new DOMException('no', 'AbortError')).name).to.equal('AbortError');
  });

  it('is not retryable when it says so', () => {
    expect(failureOf(new NonRetryableError('never')).retryable).to.equal(false);
    expect(failureOf({ message: 'never', retryable: false }).retryable).to.equal(false);
  });

  it('chooses the time of the next attempt when it is a real time', () => {
    expect(failureOf(new RetryAfterError('later', 1500.4)).retryAfterMs).to.equal(1500);
    expect(failureOf(new RetryAfterError('later', -1)).retryAfterMs).to.equal(0);
    expect(failureOf(new RetryAfterError('later', NaN))).not.to.have.property('retryAfterMs');
    expect(failureOf(new RetryAfterError('later', Infinity))).not.to.have.property('retryAfterMs');
  });

  it('is shown as JSON when it is no error', () => {
    expect(failureOf('text').message).to.equal('text');
    expect(failureOf({ code: 7 }).message).to.equal('{"code":7}');
    expect(failureOf(undefined).message).to.equal('undefined');
    expect(failureOf(Symbol('why')).message).to.equal('Symbol(why)');
    expect(failureOf(10n).message).to.equal('a value that cannot be shown was thrown');
  });

  it('is cut when it is longer than can be kept', () => {
    const failure = failureOf(new Error('x'.repeat(100_000)));

    expect(failure.message.length).to.be.below(10_000);
    expect(failure.stack?.length).to.be.below(10_000);
  });

  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile: readonly (readonly [string, unknown])[] = [
    ['a message that is no text', Object.assign(new Error('x'), { message: { code: 7 } })],
    ['a name that is no text', Object.assign(new Error('x'), { name: 7 })],
    ['a stack that is no text', Object.assign(new Error('x'), { stack: [] })],
    [
      'a getter that throws',
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('ha');
        },
      }),
    ],
    ['no prototype', Object.assign(Object.create(null), { message: 'x' })],
    ['a revoked proxy', revoked.proxy],
  ];
  for (const [what, thrown] of hostile) {
    it(`can be kept although it has, or is, ${what}`, () => {
      const failure = failureOf(thrown);

      expect(failure.name).to.be.a('string');
      expect(failure.message).to.be.a('string');
      expect(JSON.parse(JSON.stringify(failure))).to.deep.equal(failure);
    });
  }

  it('is the same when it comes back from JSON, whatever it was', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (thrown) => {
        const failure = failureOf(thrown);

        expect(JSON.parse(JSON.stringify(failure))).to.deep.equal(failure);
      }),
    );
  });
});
