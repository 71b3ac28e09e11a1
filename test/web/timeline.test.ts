import { expect } from 'chai';

import { Attempts } from '../../web/parts/attempts.ts';
import type { WorkflowEvent } from '../../web/parts/events.ts';
import { isAtEnd, legibleTicks, timeAxis } from '../../web/parts/time-axis.ts';
import { barsOf, busyTimes } from '../../web/parts/timeline-bars.ts';

const error = { name: 'Error', message: 'no' };

describe('the timeline', () => {
  describe('the attempts of a task', () => {
    it('are queued, run, fail, wait and run again, as the events say', () => {
      const attempts = taken([
        { type: 'task.scheduled', at: 100, step: 0, attempt: 1, delivery: 1, where: 'a' },
        { type: 'task.started', at: 110, step: 0, attempt: 1, node: 'a' },
        failed(150, 1, 250, 110),
        { type: 'task.scheduled', at: 260, step: 0, attempt: 2, delivery: 1, where: 'b' },
        completed(300, 2, 270),
      ]);
      const [first, second, ...others] = attempts.of(0);
      expect(others).to.have.length(0);
      expect(first).to.include({ number: 1, scheduledAt: 100, startedAt: 110, endedAt: 150 });
      expect(first).to.deep.include({ outcome: 'failed', retryAt: 260, node: 'a', error });
      expect(second).to.include({ number: 2, scheduledAt: 260, startedAt: 270, endedAt: 300 });
      expect(second).to.deep.include({ outcome: 'completed', retryAt: null, error: null });
    });

    it('end as lost when the attempt is given to another node', () => {
      const attempts = taken([
        { type: 'task.scheduled', at: 100, step: 0, attempt: 1, delivery: 1, where: 'a' },
        { type: 'task.started', at: 110, step: 0, attempt: 1, node: 'a' },
        {
          type: 'task.scheduled',
          at: 900,
          step: 0,
          attempt: 1,
          delivery: 2,
          where: 'b',
          lost: true,
        },
      ]);
      expect(attempts.of(0).map(({ outcome, endedAt }) => [outcome, endedAt])).to.deep.equal([
        ['lost', 900],
        ['open', null],
      ]);
    });

    it('wait no longer than until they are canceled', () => {
      const attempts = taken([
        { type: 'task.scheduled', at: 100, step: 0, attempt: 1, delivery: 1, where: 'a' },
        failed(150, 1, 10_000, 110),
        { type: 'task.canceled', at: 400, step: 0, reason: 'enough' },
      ]);
      expect(attempts.of(0)[0]).to.include({ outcome: 'failed', endedAt: 150, retryAt: 400 });
    });

    it('only wait, from their first moment on, when it is a signal that they wait for', () => {
      const [waits] = taken([{ type: 'task.waiting', at: 100, step: 0, attempt: 1 }]).of(0);
      expect(waits).to.include({ waits: true, scheduledAt: 100, startedAt: 100, outcome: 'open' });
      const [came] = taken(awaited(100, 700)).of(0);
      expect(came).to.include({ waits: true, startedAt: 100, endedAt: 700, outcome: 'completed' });
      expect(came?.node).to.equal(null);
    });

    it('are the same when pages of events overlap', () => {
      const events: Untold[] = [
        { type: 'task.scheduled', at: 100, step: 0, attempt: 1, delivery: 1, where: 'a' },
        completed(300, 1, 110),
      ];
      const attempts = taken(events);
      attempts.take(numbered(events));
      expect(attempts.of(0)).to.have.length(1);
      expect(attempts.seq).to.equal(2);
    });
  });

  describe('its axis', () => {
    it('goes from the beginning to the end, to scale', () => {
      const axis = timeAxis(1_000, 2_000, [{ from: 1_000, to: 2_000 }]);
      expect([1_000, 1_500, 2_000].map(axis.place)).to.deep.equal([0, 0.5, 1]);
      expect([0, 9_000].map(axis.place)).to.deep.equal([0, 1]);
      expect(axis.gaps).to.deep.equal([]);
    });

    it('collapses three hours in which nothing ran, and leaves the rest its room', () => {
      const hours = 3 * 3_600_000;
      const axis = timeAxis(0, hours + 20_000, [
        { from: 0, to: 10_000 },
        { from: hours + 10_000, to: hours + 20_000 },
      ]);
      expect(axis.gaps).to.have.length(1);
      expect(axis.gaps[0]).to.include({ from: 10_000, to: hours + 10_000 });
      expect(axis.place(10_000)).to.be.closeTo(0.48, 1e-9);
      expect(axis.place(hours + 10_000)).to.be.closeTo(0.52, 1e-9);
      expect(axis.place(hours + 20_000)).to.be.closeTo(1, 1e-9);
    });

    it('collapses the days in which a signal was waited for, while it is and when it has come', () => {
      const days = 3 * 86_400_000;
      const ran: Untold[] = [
        { type: 'task.scheduled', at: 0, step: 1, attempt: 1, delivery: 1, where: 'a' },
        completed(10_000, 1, 0, 1),
      ];
      const waits = taken([...ran, { type: 'task.waiting', at: 10_000, step: 0, attempt: 1 }]);
      const axis = timeAxis(0, days, busyTimes(waits.all(), days));
      expect(axis.gaps).to.have.length(1);
      expect(axis.gaps[0]).to.include({ from: 10_000, to: days });
      expect(axis.place(10_000)).to.be.closeTo(0.96, 1e-9);
      const [bar] = barsOf(waits.of(0), axis, days, 0.01);
      expect(bar).to.include({ kind: 'waiting', outcome: 'open', from: 10_000, to: days });
      expect(bar?.width).to.be.closeTo(0.04, 1e-9);

      const end = days + 10_000;
      const came = taken([
        ...ran,
        ...awaited(10_000, days),
        { type: 'task.scheduled', at: days, step: 2, attempt: 1, delivery: 1, where: 'a' },
        completed(end, 1, days, 2),
      ]);
      const after = timeAxis(0, end, busyTimes(came.all(), end));
      expect(after.place(days) - after.place(10_000)).to.be.closeTo(0.04, 1e-9);
      expect(after.place(end)).to.be.closeTo(1, 1e-9);
    });

    it('is to scale where nothing but a signal was waited for', () => {
      const attempts = taken([{ type: 'task.waiting', at: 1_000, step: 0, attempt: 1 }]);
      const axis = timeAxis(0, 10_000, busyTimes(attempts.all(), 10_000));
      expect(axis.gaps).to.deep.equal([]);
      expect([0, 1_000, 10_000].map(axis.place)).to.deep.equal([0, 0.1, 1]);
    });

    it('never goes back, wherever gaps are', () => {
      const busy = Array.from({ length: 30 }, (_, n) => ({
        from: n * n * 900,
        to: n * n * 900 + 500,
      }));
      const axis = timeAxis(0, 30 * 30 * 900, busy);
      let before = -1;
      for (let at = 0; at <= axis.to; at += 333) {
        expect(axis.place(at)).to.be.at.least(before);
        before = axis.place(at);
      }
      expect(axis.place(axis.to)).to.be.closeTo(1, 1e-9);
      expect(axis.gaps.length).to.be.within(1, 10);
    });

    it('has ticks at round times, none of them inside a gap', () => {
      const axis = timeAxis(0, 3_620_000, [
        { from: 0, to: 10_000 },
        { from: 3_610_000, to: 3_620_000 },
      ]);
      const ticks = axis.ticks(8);
      expect(ticks.length).to.be.within(4, 10);
      for (const { at } of ticks) {
        expect(at % 1_000).to.equal(0);
        expect(at <= 10_000 || at >= 3_610_000, String(at)).to.equal(true);
      }
    });

    it('writes nothing at its end that would be cut off, and nothing on what it says of a gap', () => {
      const short = timeAxis(0, 1_040, [{ from: 0, to: 1_040 }]);
      expect(legibleTicks(short, 190).map(({ at }) => at)).to.deep.equal([0, 500]);
      const gapped = timeAxis(0, 5_600, [
        { from: 0, to: 2_200 },
        { from: 5_400, to: 5_600 },
      ]);
      expect(gapped.gaps).to.have.length(1);
      const [gap] = gapped.gaps;
      const middle = ((gap?.left ?? 0) + (gap?.width ?? 0) / 2) * 870;
      const ticks = legibleTicks(gapped, 870);
      expect(ticks.length).to.be.above(6);
      for (const { left } of ticks) {
        expect(left * 870 + 50 <= middle - 20 || left * 870 >= middle + 20).to.equal(true);
      }
      // Of what is waited for still, it is written before the end.
      const waits = timeAxis(0, 60_000, [{ from: 0, to: 500 }]);
      expect(waits.gaps.map((last) => isAtEnd(last, 190))).to.deep.equal([true]);
      for (const { left } of legibleTicks(waits, 190)) {
        expect(left * 190 + 50).to.be.at.most(190 - 48);
      }
    });
  });

  describe('its bars', () => {
    it('show queue, run and wait of each attempt, and reach to now when one is open', () => {
      const attempts = taken([
        { type: 'task.scheduled', at: 0, step: 0, attempt: 1, delivery: 1, where: 'a' },
        failed(400, 1, 600, 100),
        { type: 'task.scheduled', at: 600, step: 0, attempt: 2, delivery: 1, where: 'a' },
        { type: 'task.started', at: 700, step: 0, attempt: 2, node: 'a' },
      ]).of(0);
      const bars = barsOf(attempts, timeAxis(0, 1_000, [{ from: 0, to: 1_000 }]), 1_000, 0.01);
      expect(bars.map(({ kind, from, to, outcome }) => [kind, from, to, outcome])).to.deep.equal([
        ['queued', 0, 100, 'failed'],
        ['running', 100, 400, 'failed'],
        ['backoff', 400, 600, 'failed'],
        ['queued', 600, 700, 'open'],
        ['running', 700, 1_000, 'open'],
      ]);
    });

    it('show one wait for a signal, queued nowhere, however short it was', () => {
      const early = taken(awaited(500, 500)).of(0);
      const axis = timeAxis(0, 1_000, [{ from: 0, to: 1_000 }]);
      const bars = barsOf(early, axis, 1_000, 0.01);
      expect(bars.map(({ kind, from, to, outcome }) => [kind, from, to, outcome])).to.deep.equal([
        ['waiting', 500, 500, 'completed'],
      ]);
    });

    it('are few for ten thousand attempts, and say so and that some failed', () => {
      const events: Untold[] = [];
      for (let n = 1; n <= 10_000; n += 1) {
        events.push(
          { type: 'task.scheduled', at: n * 10, step: 0, attempt: n, delivery: 1, where: 'a' },
          n === 5_000
            ? failed(n * 10 + 5, n, n * 10 + 9, n * 10 + 1)
            : completed(n * 10 + 9, n, n * 10 + 1),
        );
      }
      const attempts = taken(events);
      const axis = timeAxis(0, 100_010, busyTimes(attempts.all(), 100_010));
      const bars = barsOf(attempts.of(0), axis, 100_010, 1 / 200);
      expect(bars).to.have.length(1);
      expect(bars[0]).to.include({ kind: 'many', outcome: 'failed', first: 1, last: 10_000 });
    });
  });
});

type Untold = WorkflowEvent extends infer Event
  ? Event extends WorkflowEvent
    ? Omit<Event, 'seq'>
    : never
  : never;

function taken(events: readonly Untold[]): Attempts {
  const attempts = new Attempts();
  attempts.take(numbered(events));
  return attempts;
}

function numbered(events: readonly Untold[]): readonly WorkflowEvent[] {
  return events.map((event, index) => ({ ...event, seq: index + 1 }));
}

function completed(at: number, attempt: number, startedAt: number, step = 0): Untold {
  return { type: 'task.completed', at, step, attempt, startedAt, node: 'a', output: {} };
}

/** A step that waited for its signal, and got it. */
function awaited(at: number, cameAt: number): readonly Untold[] {
  return [
    { type: 'task.waiting', at, step: 0, attempt: 1 },
    { type: 'task.signaled', at: cameAt, step: 0, by: 'somebody' },
    {
      type: 'task.completed',
      at: cameAt,
      step: 0,
      attempt: 1,
      startedAt: at,
      node: null,
      output: {},
    },
  ];
}

function failed(at: number, attempt: number, retryAt: number, startedAt: number): Untold {
  return {
    type: 'task.failed',
    at,
    step: 0,
    attempt,
    startedAt,
    node: 'a',
    failure: error,
    retryAt,
  };
}
