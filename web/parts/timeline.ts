import type { StepCard, TaskCard } from '#http/live-protocol.ts';

import { fill, h, setText } from '../dom.ts';
import { formatClock, formatDuration, formatMoment, formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { Attempts } from './attempts.ts';
import { stateIcon, stateWord } from './state.ts';
import { attemptsOf } from './tasks-table.ts';
import { isAtEnd, legibleTicks, timeAxis, type TimeAxis } from './time-axis.ts';
import { type Bar, barsOf, busyTimes } from './timeline-bars.ts';
import { virtualRows } from './virtual-rows.ts';

export interface Timeline {
  readonly element: HTMLElement;
  /** Whether somebody looks at it: it is not drawn otherwise. */
  watched: boolean;
  /** The attempts may have grown; `read` says how much of the history is in them. */
  update(state: TimelineState): void;
  select(step: string | null): void;
  close(): void;
}

export interface TimelineState {
  readonly tasks: readonly TaskCard[];
  readonly createdAt: string;
  readonly endedAt: string | undefined;
  readonly read: { readonly events: number; readonly of: number };
}

const liveEveryMs = 500;
const finestPx = 4;
const rowHeight = 34;
/** So few events come and go while one looks: to say so each time would move everything below. */
const fewEvents = 1_000;

/** When what was tried: a row for each task, a bar for each attempt, as it was queued, ran, and waited for the next. */
export function timeline(options: {
  readonly steps: readonly StepCard[];
  readonly attempts: Attempts;
  readonly now: () => number;
  readonly onSelect: (step: string) => void;
}): Timeline {
  const { steps, attempts, now } = options;
  let state: TimelineState | null = null;
  let axis: TimeAxis = timeAxis(0, 1, []);
  let selected: string | null = null;
  let watched = false;
  const scale = h('div', { class: 'tl-scale', 'aria-hidden': 'true' });
  const reading = h('p', { class: 'quiet' });
  const rows = virtualRows({
    label: t('timeline.label'),
    rowHeight: () => rowHeight,
    create: () => {
      const row = h('div', { class: 'tl-row' });
      row.append(
        h(
          'div',
          { role: 'rowheader', class: 'tl-name' },
          h('button', {
            type: 'button',
            class: 'row-link',
            onclick: () => options.onSelect(row.dataset['step'] ?? ''),
          }),
        ),
        h('div', { role: 'cell', class: 'tl-track' }),
      );
      return row;
    },
    update: (row, index) => drawRow(row, index),
    rowsBefore: 0,
  });
  const table = h(
    'div',
    { class: 'tl', role: 'table', 'aria-label': t('timeline.label') },
    scale,
    rows.element,
  );
  const element = h('div', {}, legend(), reading, table);

  const drawRow = (row: HTMLElement, index: number): void => {
    const step = steps[index];
    const task = state?.tasks[index];
    const track = row.querySelector('.tl-track');
    const name = row.querySelector('.row-link');
    if (step === undefined || track === null || name === null) return;
    row.dataset['step'] = step.name;
    row.setAttribute('aria-selected', String(step.name === selected));
    if (task !== undefined && row.dataset['state'] !== `${step.name} ${task.state}`) {
      row.dataset['state'] = `${step.name} ${task.state}`;
      fill(name, stateIcon(task.state), h('span', {}, step.name));
      name.setAttribute('data-state', task.state);
    }
    const end = edge();
    const tried = attempts.of(index);
    const finest = finestPx / Math.max(1, track.clientWidth);
    const words = task === undefined ? '' : labelOf(task, tried.length);
    const bars =
      tried.length === 0 && task !== undefined
        ? barOfCard(task, axis, end)
        : barsOf(tried, axis, end, finest);
    fill(
      track,
      h('span', { class: 'unseen' }, words),
      axis.gaps.map((gap) => box('tl-gap', gap.left, gap.width)),
      bars.map((bar) => drawBar(bar, tried)),
    );
  };
  const edge = (): number => {
    const ended = state?.endedAt;
    return ended === undefined ? now() : Date.parse(ended);
  };
  const draw = (): void => {
    if (state === null || !watched) return;
    const from = Date.parse(state.createdAt);
    axis = timeAxis(from, edge(), busyTimes(attempts.all(), edge()));
    drawScale(scale, axis, state.endedAt === undefined);
    const { events, of } = state.read;
    reading.hidden = of - events < fewEvents;
    setText(reading, t('timeline.reading', { read: events, all: of }));
    rows.show(steps.length);
  };
  const ticking = setInterval(() => {
    if (state?.endedAt === undefined && !document.hidden) draw();
  }, liveEveryMs);
  const observer = new ResizeObserver(() => draw());
  observer.observe(table);
  return {
    element,
    get watched() {
      return watched;
    },
    set watched(on) {
      watched = on;
      draw();
    },
    update: (next) => {
      state = next;
      draw();
    },
    select: (step) => {
      selected = step;
      if (!watched) return;
      rows.show(steps.length);
      const index = steps.findIndex(({ name }) => name === step);
      const { first, last } = rows.range();
      if (index >= 0 && (index < first || index > last)) rows.scrollTo(index);
    },
    close: () => {
      clearInterval(ticking);
      observer.disconnect();
      rows.close();
    },
  };
}

function labelOf(task: TaskCard, tried: number): string {
  const { started_at: from, completed_at: to } = task;
  const time =
    from === undefined || to === undefined
      ? '–'
      : formatDuration(Date.parse(to) - Date.parse(from));
  if (task.state === 'waiting' && from !== undefined) {
    return `${stateWord(task.state)}, ${t('task.since')} ${formatMoment(new Date(from))}`;
  }
  return t('timeline.row', {
    state: stateWord(task.state),
    attempts: tried === 0 ? attemptsOf(task) : formatNumber(tried),
    time,
  });
}

/** Until the events are here, the newest attempt, which the card of the task knows. */
function barOfCard(task: TaskCard, axis: TimeAxis, end: number): readonly Bar[] {
  if (task.started_at === undefined) return [];
  const from = Date.parse(task.started_at);
  const to = task.completed_at === undefined ? end : Date.parse(task.completed_at);
  const left = axis.place(from);
  const outcome =
    task.state === 'completed' || task.state === 'failed' || task.state === 'canceled'
      ? task.state
      : 'open';
  const number = task.attempt;
  return [
    {
      kind: task.state === 'waiting' ? 'waiting' : 'running',
      outcome,
      left,
      width: axis.place(to) - left,
      from,
      to,
      first: number,
      last: number,
    },
  ];
}

function drawBar(bar: Bar, tried: ReturnType<Attempts['of']>): HTMLElement {
  const element = box('tl-bar', bar.left, bar.width);
  element.dataset['kind'] = bar.kind;
  element.dataset['outcome'] = bar.outcome;
  const time = formatDuration(bar.to - bar.from);
  if (bar.kind === 'many') {
    element.title = t('timeline.many', { first: bar.first, last: bar.last, time });
  } else {
    const attempt = tried.find(({ number }) => number === bar.first);
    const error = bar.kind === 'queued' ? null : (attempt?.error ?? null);
    element.title = [
      t(`timeline.${bar.kind}`, { attempt: bar.first, time }),
      formatMoment(new Date(bar.from)),
      ...(error === null ? [] : [`${error.name}: ${error.message}`]),
    ].join('\n');
  }
  return element;
}

function drawScale(place: HTMLElement, axis: TimeAxis, live: boolean): void {
  fill(
    place,
    legibleTicks(axis, place.clientWidth).map(({ at, left }) => {
      const tick = box('tl-tick', left, 0);
      tick.append(
        at === axis.from ? formatClock(new Date(at)) : `+${formatDuration(at - axis.from)}`,
      );
      return tick;
    }),
    axis.gaps.map((gap) => {
      const skipped = box('tl-skip', gap.left, gap.width);
      skipped.dataset['end'] = String(isAtEnd(gap, place.clientWidth));
      skipped.append(`⋯ ${formatDuration(gap.to - gap.from)}`);
      return skipped;
    }),
    live && box('tl-now', 1, 0),
  );
}

function box(kind: string, left: number, width: number): HTMLElement {
  const element = h('i', { class: kind });
  element.style.left = `${left * 100}%`;
  if (width > 0) element.style.width = `${width * 100}%`;
  return element;
}

function entry(kind: Bar['kind'], outcome: Bar['outcome'], text: string): HTMLElement {
  const bar = h('i', {
    class: 'tl-bar',
    'data-kind': kind,
    'data-outcome': outcome,
    'aria-hidden': 'true',
  });
  return h('li', {}, bar, text);
}

function legend(): HTMLElement {
  return h(
    'ul',
    { class: 'tl-legend quiet' },
    entry('queued', 'open', t('timeline.key.queued')),
    entry('running', 'open', t('timeline.key.running')),
    entry('running', 'completed', t('timeline.key.completed')),
    entry('running', 'failed', t('timeline.key.failed')),
    entry('waiting', 'open', t('timeline.key.waiting')),
    entry('backoff', 'failed', t('timeline.key.backoff')),
  );
}
