import type { StepCard } from '#http/live-protocol.ts';

import { fill, h, setText } from '../dom.ts';
import { formatDuration, formatMoment, formatNumber, formatPercent } from '../i18n/format.ts';
import type { Key } from '../i18n/message.ts';
import { hasText, t } from '../i18n/text.ts';
import { stepOf, type WorkflowEvent, wordsOf } from './events.ts';
import { gridTable, sayWhenEmpty } from './grid-table.ts';
import type { History } from './history.ts';
import { nodeName } from './tasks-table.ts';

export interface EventsTable {
  readonly element: HTMLElement;
  /** Whether somebody looks at it: it loads nothing otherwise. */
  watched: boolean;
  /** There are more events, or more of them are here. */
  update(): void;
  close(): void;
}

const kinds = [
  'workflow',
  'task.scheduled',
  'task.waiting',
  'task.signaled',
  'task.started',
  'task.progressed',
  'task.completed',
  'task.failed',
  'task.skipped',
  'task.canceled',
] as const;

/**
 * All events of a workflow, the newest first or last. Without a filter a row is an event's number, so the table is as long as
 * the history from the start and loads what is scrolled to; with one, the history is read through for what fits.
 */
export function eventsTable(options: {
  readonly history: History;
  readonly steps: readonly StepCard[];
  readonly createdAt: string;
  readonly onSelect: (seq: number) => void;
  readonly failed: (error: unknown) => void;
}): EventsTable {
  const { history, steps } = options;
  const began = Date.parse(options.createdAt);
  let watched = false;
  let newestFirst = true;
  let matching: number[] | null = null;
  let matchedTo = 0;
  /** The filter has been through the whole history once: what fits from then on is new. */
  let caughtUp = true;
  /** The table has so many of them: what comes while somebody reads, or is about to click, waits. */
  let shown = 0;

  const order = h('button', { type: 'button', class: 'small order', onclick: () => turn() });
  const kind = h(
    'select',
    { 'aria-label': t('events.kind'), onchange: () => filter() },
    h('option', { value: '' }, t('events.kind.all')),
    kinds.map((each) => h('option', { value: each }, t(`event.kind.${each}`))),
  );
  const step = h('input', {
    list: 'event-steps',
    'aria-label': t('column.step'),
    placeholder: t('column.step'),
    oninput: () => filter(),
  });
  const search = h('input', {
    type: 'search',
    'aria-label': t('events.search'),
    placeholder: t('events.search'),
    oninput: () => filter(),
  });
  const status = h('span', { class: 'quiet number' });
  const newer = h('button', { type: 'button', class: 'small', onclick: () => showNewer() });
  const table = gridTable({
    kind: 'events',
    label: t('events.label'),
    columns: ['number', 'time', 'type', 'step', 'said'],
    titles: {
      number: '#',
      time: t('column.time'),
      type: t('column.event'),
      step: t('column.step'),
      said: t('column.details'),
    },
    rowHeights: { wide: 36, narrow: 58 },
    cells: (row) => {
      const open = h('button', {
        class: 'link',
        type: 'button',
        onclick: () => options.onSelect(Number(row.dataset['seq'])),
      });
      return {
        number: h('div', { class: 'number quiet' }),
        time: h('div', { class: 'number quiet' }),
        type: h('div', {}, open),
        step: h('div', {}),
        said: h('div', { class: 'quiet' }),
      };
    },
    update: (row, cells, index) => {
      const seq = seqAt(index);
      const event = history.get(seq);
      row.dataset['seq'] = String(seq);
      setText(cells.number, formatNumber(seq));
      const open = cells.type.querySelector('button');
      row.dataset['type'] = event?.type ?? '';
      if (open === null) return;
      setText(open, event === null ? '…' : eventName(event));
      setText(cells.time, event === null ? '' : `+${formatDuration(event.at - began)}`);
      cells.time.title = event === null ? '' : formatMoment(new Date(event.at));
      const number = event === null ? null : stepOf(event);
      setText(cells.step, number === null ? '' : (steps[number]?.name ?? String(number)));
      const said = event === null ? '' : detailsOf(event);
      setText(cells.said, said);
      cells.said.title = said;
    },
    moved: () => load(),
  });
  const seqAt = (index: number): number => {
    const place = newestFirst ? shown - 1 - index : index;
    return matching === null ? place + 1 : (matching[place] ?? 0);
  };
  const count = (): number => matching?.length ?? history.newest;
  /** New ones on top would move what one looks at. */
  const isStill = (): boolean =>
    newestFirst &&
    caughtUp &&
    shown > 0 &&
    (table.rows.element.scrollTop > 0 || table.element.matches(':hover, :has(:focus-visible)'));
  const load = (): void => {
    if (!watched || matching !== null || history.newest === 0) return;
    const { first, last } = table.rows.range();
    if (last < first) return;
    const [a, b] = [seqAt(first), seqAt(last)];
    history.want(Math.min(a, b), Math.max(a, b));
  };
  const show = (): void => {
    if (!watched) return;
    sayWhenEmpty(table, t(matching === null ? 'common.loading' : 'filter.nothing'));
    table.show(shown);
    newer.hidden = shown === count();
    setText(newer, t('list.new', { count: count() - shown }));
    fill(
      status,
      matching === null
        ? t('events.count', { count: history.newest })
        : matchedTo < history.newest
          ? t('events.searching', { found: count(), read: matchedTo, all: history.newest })
          : t('events.found', { found: count(), all: history.newest }),
    );
    load();
  };
  const showAll = (): void => {
    shown = count();
    show();
  };
  const showNewer = (): void => {
    table.rows.element.scrollTop = 0;
    showAll();
  };
  const turn = (): void => {
    newestFirst = !newestFirst;
    setText(order, t(newestFirst ? 'events.newest' : 'events.oldest'));
    showNewer();
  };
  const fits = (event: WorkflowEvent): boolean => {
    const number = stepOf(event);
    const name = number === null ? '' : (steps[number]?.name ?? '').toLowerCase();
    const text = search.value.trim().toLowerCase();
    return (
      (kind.value === '' || event.type === kind.value || event.type.startsWith(`${kind.value}.`)) &&
      name.includes(step.value.trim().toLowerCase()) &&
      (text === '' || `${event.type} ${name} ${wordsOf(event)}`.toLowerCase().includes(text))
    );
  };
  /** What came since the last time is looked at. */
  const match = (): void => {
    if (matching === null) return;
    for (const events of history.read(matchedTo)) {
      for (const event of events) {
        if (event.seq <= matchedTo) continue;
        matchedTo = event.seq;
        if (fits(event)) matching.push(event.seq);
      }
    }
    caughtUp ||= matchedTo >= history.newest;
  };
  const filter = (): void => {
    const wanted = kind.value !== '' || step.value.trim() !== '' || search.value.trim() !== '';
    matching = wanted ? [] : null;
    matchedTo = 0;
    caughtUp = !wanted;
    shown = 0;
    table.rows.element.scrollTop = 0;
    follow();
  };
  const follow = (): void => {
    if (!watched) return;
    const still = isStill();
    match();
    if (still) show();
    else showAll();
    if (matching !== null && matchedTo < history.newest) {
      history.readThrough().catch(options.failed);
    }
  };
  const settle = (): void => {
    if (shown !== count() && !isStill()) showAll();
  };
  table.element.addEventListener('pointerleave', settle);
  table.element.addEventListener('focusout', () => queueMicrotask(settle));
  table.rows.element.addEventListener('scroll', settle, { passive: true });
  setText(order, t('events.newest'));
  return {
    element: h(
      'div',
      { class: 'table-with-tools' },
      h(
        'div',
        { class: 'tools-row' },
        order,
        kind,
        step,
        h(
          'datalist',
          { id: 'event-steps' },
          // Of very many nobody chooses from a list.
          steps.slice(0, 300).map(({ name }) => h('option', { value: name })),
        ),
        search,
        status,
        newer,
      ),
      table.element,
    ),
    get watched() {
      return watched;
    },
    set watched(on) {
      watched = on;
      follow();
    },
    update: follow,
    close: () => table.close(),
  };
}

/** In words; of what this console does not know yet, its own name. */
export function eventName({ type }: WorkflowEvent): string {
  const key = `event.${type}`;
  return isEventKey(key) ? t(key) : type;
}

type EventKey = Extract<Key, `event.${'task' | 'workflow'}.${string}`>;

function isEventKey(key: string): key is EventKey {
  return /^event\.(task|workflow)\./.test(key) && hasText(key);
}

function detailsOf(event: WorkflowEvent): string {
  switch (event.type) {
    case 'task.scheduled':
      return [
        t('event.attempt', { attempt: event.attempt }),
        event.lost === true ? t('event.lost') : '',
        event.where === 'queue' ? t('event.queue') : nodeName(event.where),
      ]
        .filter((part) => part !== '')
        .join(' · ');
    case 'task.started':
      return [t('event.attempt', { attempt: event.attempt }), nodeName(event.node)].join(' · ');
    case 'task.progressed':
      return [
        ...(event.fraction === undefined ? [] : [formatPercent(event.fraction)]),
        event.note ?? '',
      ].join(' ');
    case 'task.completed': {
      const time = formatDuration(event.at - event.startedAt);
      if (event.node === null) return t('attempt.waited', { time });
      return [t('event.attempt', { attempt: event.attempt }), time, nodeName(event.node)].join(
        ' · ',
      );
    }
    case 'task.failed':
      return [
        t('event.attempt', { attempt: event.attempt }),
        `${event.failure.name}: ${event.failure.message}`,
        event.retryAt === null
          ? t('event.final')
          : t('event.again', { time: formatDuration(Math.max(0, event.retryAt - event.at)) }),
      ].join(' · ');
    case 'task.skipped':
    case 'task.canceled':
      return event.reason;
    case 'task.waiting':
    case 'task.signaled':
      return '';
    default:
      return wordsOf(event);
  }
}
