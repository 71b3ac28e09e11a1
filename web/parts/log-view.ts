import { type LogLine, logLimit } from '#http/live-protocol.ts';

import { fill, h, keyed } from '../dom.ts';
import { formatClock, formatMoment, formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';

export interface LogView {
  readonly element: HTMLElement;
  show(lines: readonly LogLine[]): void;
}

/** Lines as they were written, the newest at the bottom: it follows them as long as one is there. */
export function logList(stepName?: (step: number) => string): LogView {
  const none = h('li', { class: 'quiet' }, t('log.none'));
  const list = h('ol', { class: 'log', tabindex: 0, 'aria-label': t('log.label') }, none);
  const made = new Map<string, HTMLElement>();
  let shown: readonly LogLine[] | null = null;
  return {
    element: list,
    show: (lines) => {
      if (shown !== null && same(lines, shown)) return;
      const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
      shown = lines;
      // Lines stay the same elements while others come, so that one can mark them, and copy them.
      keyed(list, lines, {
        key: ({ at, step, attempt, level, message }) =>
          `${at}/${step}/${attempt}/${level}/${message}`,
        create: (line) => lineItem(line, stepName),
        update: () => undefined,
        made,
      });
      if (lines.length === 0) list.append(none);
      else none.remove();
      if (atEnd) list.scrollTop = list.scrollHeight;
    },
  };
}

const levels: readonly LogLine['level'][] = ['debug', 'info', 'warn', 'error'];

/** The log of a whole workflow, from some level on, and with a text in it. */
export function logTab(stepName: (step: number) => string): LogView {
  const list = logList(stepName);
  let all: readonly LogLine[] = [];
  const least = h(
    'select',
    { 'aria-label': t('log.level'), onchange: () => show() },
    levels.map((level) => h('option', { value: level }, t(`log.from.${level}`))),
  );
  const search = h('input', {
    type: 'search',
    'aria-label': t('log.search'),
    placeholder: t('log.search'),
    oninput: () => show(),
  });
  const count = h('span', { class: 'quiet number', role: 'status' });
  const show = (): void => {
    const from = levels.findIndex((level) => level === least.value);
    const text = search.value.trim().toLowerCase();
    const lines = all.filter(
      (line) =>
        levels.indexOf(line.level) >= from &&
        (text === '' || `${stepName(line.step)} ${line.message}`.toLowerCase().includes(text)),
    );
    list.show(lines);
    fill(
      count,
      all.length === 0
        ? ''
        : lines.length === all.length
          ? t('log.count', { count: all.length })
          : t('log.some', { shown: lines.length, count: all.length }),
      all.length >= logLimit ? ` · ${t('log.newest', { limit: formatNumber(logLimit) })}` : '',
    );
  };
  return {
    element: h(
      'div',
      { class: 'table-with-tools log-tab' },
      h('div', { class: 'tools-row' }, least, search, count),
      list.element,
    ),
    show: (lines) => {
      all = lines;
      show();
    },
  };
}

function lineItem(line: LogLine, stepName?: (step: number) => string): HTMLElement {
  const at = new Date(line.at);
  return h(
    'li',
    { 'data-level': line.level },
    h('time', { datetime: at.toISOString(), title: formatMoment(at) }, formatClock(at)),
    // The colour alone would say it to those only who see it.
    line.level !== 'info' && h('span', { class: 'log-level' }, line.level),
    stepName !== undefined && h('b', {}, stepName(line.step)),
    line.attempt > 1 && h('span', { class: 'quiet' }, t('log.attempt', { attempt: line.attempt })),
    h('span', { class: 'log-text' }, line.message),
  );
}

function same(a: readonly LogLine[], b: readonly LogLine[]): boolean {
  return a.length === b.length && a.at(-1) === b.at(-1) && a[0] === b[0];
}
