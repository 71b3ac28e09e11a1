import { expect } from 'chai';
import * as fc from 'fast-check';

import { formatDuration, parseDuration } from '#actors/duration.ts';

describe('durations', () => {
  it('are read as Go writes them, with days', () => {
    const read = ['250ms', '5s', '10m', '1h30m', '2d', '1.5h', '1m1.25s', '0', ' 3s ', 42].map(
      parseDuration,
    );
    expect(read).to.deep.equal([
      250, 5000, 600_000, 5_400_000, 172_800_000, 5_400_000, 61_250, 0, 3000, 42,
    ]);
  });

  it('are refused with the text that was given', () => {
    for (const text of ['', 'soon', '5', '5 s', '-5s', '30m1h', '5x', 's', '1h1h', '1e3s']) {
      expect(() => parseDuration(text)).to.throw(RangeError, `'${text}' is not a duration`);
    }
    for (const number of [-1, NaN, Infinity, 1e300]) {
      expect(() => parseDuration(number)).to.throw(RangeError, `${number} is not a duration`);
    }
  });

  it('are written so that they are read back', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) => {
        expect(parseDuration(formatDuration(ms))).to.equal(ms);
      }),
    );
    expect([0, 999, 1500, 5_400_000, 90_061_001].map(formatDuration)).to.deep.equal([
      '0ms',
      '999ms',
      '1.5s',
      '1h30m',
      '1d1h1m1.001s',
    ]);
  });
});
