import { expect } from 'chai';

import type { OverviewData } from '#http/live-protocol.ts';

import { busiest, concernsOf, figuresOf } from '../../web/parts/figures.ts';

const now = Date.parse('2026-03-05T12:30:30Z');

describe('the figures of the overview', () => {
  it('have every minute of the last hour, with nothing where nothing happened', () => {
    const { minutes, hour } = figuresOf(
      dataWith({ '12:30': [4, 3, 1, 0], '11:31': [1, 1, 0, 0] }),
      now,
    );
    expect(minutes).to.have.length(60);
    expect(minutes[0]).to.deep.include({ at: '2026-03-05T11:31:00.000Z', started: 1 });
    expect(minutes[1]?.started).to.equal(0);
    expect(minutes.at(-1)).to.deep.include({ at: '2026-03-05T12:30:00.000Z', completed: 3 });
    expect(hour).to.deep.equal({ started: 5, completed: 4, failed: 1, canceled: 0 });
  });

  it('leave out what is older', () => {
    expect(figuresOf(dataWith({ '11:30': [9, 9, 9, 9] }), now).hour.started).to.equal(0);
  });

  it('average over five minutes, of which the last is not over', () => {
    // Four and a half minutes, and 9 completed.
    expect(
      figuresOf(dataWith({ '12:26': [0, 5, 0, 0], '12:30': [0, 4, 0, 0] }), now).perMinute,
    ).to.equal(2);
  });

  it('know no share of failures where nothing has ended', () => {
    expect(figuresOf(dataWith({ '12:30': [1, 0, 0, 1] }), now).failedShare).to.equal(null);
    expect(figuresOf(dataWith({ '12:30': [1, 3, 1, 0] }), now).failedShare).to.equal(0.25);
  });

  it('worry about nodes that are away and about failures, and about nothing else', () => {
    const well = dataWith({ '12:30': [1, 1, 0, 1] });
    expect(concernsOf(well, figuresOf(well, now))).to.deep.equal([]);
    const ill: OverviewData = {
      ...dataWith({ '12:30': [2, 1, 1, 0] }),
      nodes: [
        { name: 'a', state: 'up' },
        { name: 'b', state: 'draining' },
        { name: 'c', state: 'down' },
      ],
    };
    expect(concernsOf(ill, figuresOf(ill, now))).to.deep.equal([
      { type: 'nodes', nodes: [{ name: 'c', state: 'down' }] },
      { type: 'failures', count: 1, share: 0.5 },
    ]);
  });

  it('name the minute in which most ended, if any did', () => {
    const { minutes } = figuresOf(dataWith({ '12:01': [0, 2, 2, 0], '12:30': [9, 3, 0, 0] }), now);
    expect(busiest(minutes)?.at).to.equal('2026-03-05T12:01:00.000Z');
    expect(busiest(figuresOf(dataWith({}), now).minutes)).to.equal(null);
  });
});

/** Started, completed, failed and canceled by the time of the day. */
function dataWith(times: Record<string, readonly [number, number, number, number]>): OverviewData {
  const minutes = Object.entries(times).map(([time, [started, completed, failed, canceled]]) => {
    return { at: `2026-03-05T${time}:00.000Z`, started, completed, failed, canceled };
  });
  return {
    kind: 'overview',
    counts: { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 },
    minutes,
    recent: [],
    failures: [],
    oldest: null,
    nodes: [{ name: 'a', state: 'up' }],
  };
}
