import type { Minute } from '#http/live-protocol.ts';

import { fill, h, setText } from '../dom.ts';
import { formatMinute, formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { busiest, endedIn, type Figures } from './figures.ts';
import { messageOf } from './notice.ts';
import { stateWord } from './state.ts';
import type { ThroughputChart } from './throughput-chart.ts';

/** The last hour by the minute: a chart, its numbers, and the same as a table. */
export function throughputCard(): {
  readonly element: HTMLElement;
  show(figures: Figures): void;
  close(): void;
} {
  const picture = h('div', { class: 'chart', role: 'img' });
  const at = h('span', { class: 'chart-at number' });
  const numbers = {
    started: h('b', { class: 'number' }),
    completed: h('b', { class: 'number' }),
    failed: h('b', { class: 'number' }),
    canceled: h('b', { class: 'number' }),
  };
  const kinds = ['started', 'completed', 'failed', 'canceled'] as const;
  const wordOf = (kind: (typeof kinds)[number]): string =>
    kind === 'started' ? t('overview.started') : stateWord(kind);
  const body = h('tbody');
  const table = h(
    'details',
    { class: 'chart-table' },
    h('summary', {}, t('overview.asTable')),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, t('overview.minute')),
          kinds.map((kind) => h('th', { scope: 'col' }, wordOf(kind))),
        ),
      ),
      body,
    ),
  );
  let figures: Figures | null = null;
  let pointed: number | null = null;
  let chart: ThroughputChart | null = null;
  let closed = false;
  const legend = (): void => {
    if (figures === null) return;
    const minute = pointed === null ? undefined : figures.minutes[pointed];
    setText(at, minute === undefined ? t('overview.lastHour') : formatMinute(new Date(minute.at)));
    const shown = minute ?? figures.hour;
    for (const kind of kinds) setText(numbers[kind], formatNumber(shown[kind]));
  };
  const load = async (): Promise<void> => {
    const { throughputChart } = await import('../parts/throughput-chart.ts');
    if (closed) return;
    chart = throughputChart(picture, (index) => {
      pointed = index === null ? null : Math.min(index, (figures?.minutes.length ?? 1) - 1);
      legend();
    });
    if (figures !== null) chart.show(figures.minutes);
  };
  load().catch((error: unknown) => fill(picture, h('p', { class: 'quiet' }, messageOf(error))));
  return {
    element: h(
      'section',
      { class: 'card chart-card' },
      h(
        'header',
        {},
        h('h2', {}, t('overview.throughput')),
        h(
          'p',
          { class: 'legend' },
          at,
          kinds.map((kind) =>
            h('span', { 'data-kind': kind }, h('i', {}), wordOf(kind), ' ', numbers[kind]),
          ),
        ),
      ),
      picture,
      table,
    ),
    show: (newest) => {
      const changed = JSON.stringify(newest.minutes) !== JSON.stringify(figures?.minutes);
      figures = newest;
      if (!changed) return;
      legend();
      picture.setAttribute('aria-label', inWords(newest));
      chart?.show(newest.minutes);
      fill(
        body,
        newest.minutes
          .filter((minute) => minute.started + endedIn(minute) > 0)
          .toReversed()
          .map((minute) => minuteRow(minute, kinds)),
      );
    },
    close: () => {
      closed = true;
      chart?.close();
    },
  };
}

function minuteRow(
  minute: Minute,
  kinds: readonly ('started' | 'completed' | 'failed' | 'canceled')[],
): HTMLElement {
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, formatMinute(new Date(minute.at))),
    kinds.map((kind) => h('td', { class: 'number' }, formatNumber(minute[kind]))),
  );
}

function inWords({ hour, minutes }: Figures): string {
  const top = busiest(minutes);
  const all = t('overview.inWords', {
    started: hour.started,
    completed: hour.completed,
    failed: hour.failed,
    canceled: hour.canceled,
  });
  if (top === null) return all;
  const most = t('overview.most', {
    count: endedIn(top),
    time: formatMinute(new Date(top.at)),
  });
  return `${all} ${most}`;
}
