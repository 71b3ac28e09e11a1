import type { Attempt } from './attempts.ts';
import type { Interval, TimeAxis } from './time-axis.ts';

/* What the timeline draws of one task: its attempts as bars: queued, running or waiting for a signal, waiting for the next. Pure. */
export interface Bar {
  /** `many` stands for several attempts that are too narrow to be told apart. */
  readonly kind: 'queued' | 'running' | 'waiting' | 'backoff' | 'many';
  /** How the attempt ended, or `open`; of many, the worst of them. */
  readonly outcome: Attempt['outcome'];
  readonly left: number;
  readonly width: number;
  readonly from: number;
  readonly to: number;
  /** The number of the first attempt in it, and of the last. */
  readonly first: number;
  readonly last: number;
}

/** When the tasks ran or were about to: the rest is waiting. */
export function busyTimes(
  attempts: Iterable<readonly Attempt[]>,
  now: number,
): readonly Interval[] {
  const busy: Interval[] = [];
  for (const each of attempts) {
    for (const { scheduledAt, endedAt, waits } of each) {
      if (!waits) busy.push({ from: scheduledAt, to: endedAt ?? now });
    }
  }
  return busy;
}

/**
 * The bars of one task. What is narrower than `finest` (a part of the axis) is drawn together with what is beside it, so a
 * task of ten thousand attempts has as many bars as there is room for.
 */
export function barsOf(
  attempts: readonly Attempt[],
  axis: TimeAxis,
  now: number,
  finest: number,
): readonly Bar[] {
  const bars: Bar[] = [];
  const add = (attempt: Attempt, kind: Bar['kind'], from: number, to: number): void => {
    if (to <= from && kind !== 'running' && kind !== 'waiting') return;
    const left = axis.place(from);
    const width = axis.place(to) - left;
    const { outcome, number } = attempt;
    const bar = { kind, outcome, left, width, from, to, first: number, last: number };
    const previous = bars.at(-1);
    if (previous !== undefined && belongTogether(previous, bar, finest)) {
      bars[bars.length - 1] = together(previous, bar);
    } else {
      bars.push(bar);
    }
  };
  for (const attempt of attempts) {
    const end = attempt.endedAt ?? now;
    const start = attempt.startedAt ?? end;
    add(attempt, 'queued', attempt.scheduledAt, start);
    if (attempt.startedAt !== null) add(attempt, attempt.waits ? 'waiting' : 'running', start, end);
    if (attempt.retryAt !== null && attempt.endedAt !== null) {
      add(attempt, 'backoff', attempt.endedAt, attempt.retryAt);
    }
  }
  return bars;
}

function belongTogether(previous: Bar, bar: Bar, finest: number): boolean {
  const beside = bar.left - (previous.left + previous.width) < finest;
  return beside && bar.width < finest && (previous.width < finest || previous.kind === 'many');
}

const worst: readonly Attempt['outcome'][] = [
  'failed',
  'lost',
  'open',
  'canceled',
  'completed',
  'skipped',
];

function together(previous: Bar, bar: Bar): Bar {
  const wider = bar.width >= previous.width ? bar.kind : previous.kind;
  return {
    kind: previous.first === bar.last ? wider : 'many',
    outcome: worst.find((one) => one === previous.outcome || one === bar.outcome) ?? 'open',
    left: previous.left,
    width: Math.max(previous.width, bar.left + bar.width - previous.left),
    from: previous.from,
    to: Math.max(previous.to, bar.to),
    first: previous.first,
    last: bar.last,
  };
}
