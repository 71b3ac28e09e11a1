/*
 * A time axis on which nothing is drawn to scale that nobody waits for: gaps in which no task ran or was about to are
 * collapsed, so that a retry after three hours does not make the rest a hairline. Pure.
 */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** A collapsed gap, and where it is on the axis. */
export interface Gap extends Interval {
  readonly left: number;
  readonly width: number;
}

export interface Tick {
  readonly at: number;
  readonly left: number;
}

export interface TimeAxis extends Interval {
  readonly gaps: readonly Gap[];
  /** 0 at the beginning, 1 at the end; what is outside is at the nearer end. */
  readonly place: (at: number) => number;
  readonly ticks: (most: number) => readonly Tick[];
}

/** A gap is collapsed when it takes more than this part of what is left, */
const worthwhile = 0.2;
/** or when less than this part of what is left is of any interest; and when it is longer than a second. */
const interesting = 0.4;
const leastGapMs = 1_000;
const gapLimit = 10;
const gapWidth = 0.04;

export function timeAxis(from: number, end: number, busy: readonly Interval[]): TimeAxis {
  const to = Math.max(end, from + 1);
  const collapsed = collapse(to - from, gapsBetween(from, to, busy));
  const gapped = collapsed.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const scale = (1 - collapsed.length * gapWidth) / Math.max(1, to - from - gapped);
  const gaps: Gap[] = [];
  let passed = 0;
  for (const [index, gap] of collapsed.entries()) {
    const left = (gap.from - from - passed) * scale + index * gapWidth;
    gaps.push({ ...gap, left, width: gapWidth });
    passed += gap.to - gap.from;
  }
  const place = (at: number): number => {
    const inside = Math.min(to, Math.max(from, at));
    let before = 0;
    let skipped = 0;
    for (const gap of gaps) {
      if (inside <= gap.from) break;
      if (inside < gap.to) {
        return gap.left + (gap.width * (inside - gap.from)) / (gap.to - gap.from);
      }
      before += gap.width;
      skipped += gap.to - gap.from;
    }
    return (inside - from - skipped) * scale + before;
  };
  return {
    from,
    to,
    gaps,
    place,
    ticks: (most) => ticksOf({ from, to }, (to - from - gapped) / Math.max(1, most), gaps, place),
  };
}

/** So wide is what is written at a tick, and in the middle of a gap, at most; and so far is it from one to the next. */
const tickPx = 50;
const gapPx = 48;
const tickEveryPx = 60;

/** As many ticks as have room on an axis of this width: none that would be cut off, or stand on what is written at a gap. */
export function legibleTicks(axis: TimeAxis, widthPx: number): readonly Tick[] {
  const taken = axis.gaps.map((gap) =>
    Math.min(widthPx - gapPx, (gap.left + gap.width / 2) * widthPx - gapPx / 2),
  );
  return axis.ticks(Math.max(2, Math.floor(widthPx / tickEveryPx))).filter(({ at, left }) => {
    const from = left * widthPx;
    const isFree = taken.every((gap) => from + tickPx <= gap || gap + gapPx <= from);
    return at === axis.from || (from + tickPx <= widthPx && isFree);
  });
}

/** Whether what is written at a gap would be cut off in its middle: it ends with the gap then. */
export function isAtEnd({ left, width }: Gap, widthPx: number): boolean {
  return (left + width / 2) * widthPx > widthPx - gapPx / 2;
}

/** Intervals that touch or overlap, as one. */
export function merged(intervals: readonly Interval[]): readonly Interval[] {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

function gapsBetween(from: number, to: number, busy: readonly Interval[]): readonly Interval[] {
  const gaps: Interval[] = [];
  let at = from;
  for (const interval of merged(busy)) {
    if (interval.from > at) gaps.push({ from: at, to: Math.min(to, interval.from) });
    at = Math.max(at, interval.to);
  }
  if (to > at) gaps.push({ from: at, to });
  return gaps;
}

/** The longest first, as long as it is worth it; in the order of time. */
function collapse(length: number, gaps: readonly Interval[]): readonly Interval[] {
  const chosen: Interval[] = [];
  const busy = length - gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  // Where nothing ran at all, the waiting is what there is to see.
  if (busy <= 0) return [];
  let left = length;
  for (const gap of gaps.toSorted((a, b) => b.to - b.from - (a.to - a.from))) {
    const gapLength = gap.to - gap.from;
    if (chosen.length === gapLimit || gapLength < leastGapMs) break;
    if (gapLength < left * worthwhile && busy > left * interesting) break;
    chosen.push(gap);
    left -= gapLength;
  }
  return chosen.toSorted((a, b) => a.from - b.from);
}

const units = [1, 1_000, 60_000, 3_600_000, 86_400_000];
const counts = new Map([
  [1, [1, 2, 5, 10, 20, 50, 100, 200, 500]],
  [1_000, [1, 2, 5, 10, 15, 30]],
  [60_000, [1, 2, 5, 10, 15, 30]],
  [3_600_000, [1, 2, 3, 6, 12]],
  [86_400_000, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]],
]);
const steps = units.flatMap((unit) => (counts.get(unit) ?? []).map((count) => count * unit));

function ticksOf(
  { from, to }: Interval,
  leastStep: number,
  gaps: readonly Gap[],
  place: (at: number) => number,
): readonly Tick[] {
  const step = steps.find((each) => each >= leastStep) ?? steps.at(-1) ?? 1;
  const ticks: Tick[] = [];
  for (let at = from; at <= to; at += step) {
    const gap = gaps.find((each) => at > each.from && at < each.to);
    if (gap === undefined) ticks.push({ at, left: place(at) });
    // The first round time after the gap, not one step after another through all of it.
    else at = from + Math.floor((gap.to - from) / step) * step;
  }
  return ticks;
}
