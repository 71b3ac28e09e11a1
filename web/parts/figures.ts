import type { Minute, NodeDot, OverviewData } from '#http/live-protocol.ts';

/* What the overview says of its data, at a moment: pure, so that it can be looked at from all sides. */

export interface Figures {
  /** Every minute of the last hour, oldest first; the last is not over. */
  readonly minutes: readonly Minute[];
  readonly hour: Omit<Minute, 'at'>;
  /** Completed in a minute, on average of the last five. */
  readonly perMinute: number;
  /** Of those that ended in the last hour; null when none has. */
  readonly failedShare: number | null;
  readonly nodesUp: number;
}

/** Something that a person should look at, the worst first. */
export type Concern =
  | { readonly type: 'nodes'; readonly nodes: readonly NodeDot[] }
  | { readonly type: 'failures'; readonly count: number; readonly share: number };

const minuteMs = 60_000;
const shown = 60;
const averagedOver = 5;

export function figuresOf(data: OverviewData, nowMs: number): Figures {
  const minutes = lastHour(data.minutes, nowMs);
  const hour = sum(minutes);
  const newest = sum(minutes.slice(-averagedOver));
  // The last minute counts as far as it has passed.
  const passed = averagedOver - 1 + (nowMs % minuteMs) / minuteMs;
  const ended = hour.completed + hour.failed;
  return {
    minutes,
    hour,
    perMinute: newest.completed / Math.max(1, passed),
    failedShare: ended === 0 ? null : hour.failed / ended,
    nodesUp: data.nodes.filter(({ state }) => state === 'up').length,
  };
}

export function concernsOf(data: OverviewData, figures: Figures): readonly Concern[] {
  const away = data.nodes.filter(({ state }) => state === 'down' || state === 'suspect');
  const { hour, failedShare } = figures;
  return [
    ...(away.length === 0 ? [] : [{ type: 'nodes' as const, nodes: away }]),
    ...(hour.failed === 0
      ? []
      : [{ type: 'failures' as const, count: hour.failed, share: failedShare ?? 1 }]),
  ];
}

/** The minute in which most workflows ended; null when none did. */
export function busiest(minutes: readonly Minute[]): Minute | null {
  const top = minutes.toSorted((a, b) => endedIn(b) - endedIn(a))[0];
  return top === undefined || endedIn(top) === 0 ? null : top;
}

export function endedIn({ completed, failed, canceled }: Omit<Minute, 'at' | 'started'>): number {
  return completed + failed + canceled;
}

function lastHour(known: readonly Minute[], nowMs: number): readonly Minute[] {
  const byStart = new Map(known.map((minute) => [Date.parse(minute.at), minute]));
  const last = Math.floor(nowMs / minuteMs) * minuteMs;
  return Array.from({ length: shown }, (_, index) => {
    const start = last - (shown - 1 - index) * minuteMs;
    return byStart.get(start) ?? { at: new Date(start).toISOString(), ...nothing };
  });
}

const nothing = { started: 0, completed: 0, failed: 0, canceled: 0 };

function sum(minutes: readonly Minute[]): Omit<Minute, 'at'> {
  const total = { ...nothing };
  for (const { started, completed, failed, canceled } of minutes) {
    total.started += started;
    total.completed += completed;
    total.failed += failed;
    total.canceled += canceled;
  }
  return total;
}
