import type { OverviewData, WorkflowRow } from '#http/live-protocol.ts';

import { fill, h, keyed, setText } from '../dom.ts';
import { formatNumber, formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { MountPage, PageContext } from '../page.ts';
import { concernsOf, figuresOf } from '../parts/figures.ts';
import { firstSteps } from '../parts/first-steps.ts';
import { nodeState, setNodeState } from '../parts/node-state.ts';
import { runList } from '../parts/run-list.ts';
import { throughputCard } from '../parts/throughput-card.ts';
import { verdictLine } from '../parts/verdict.ts';
import { duration, setDuration } from '../time.ts';

/** The hour moves on although nothing happens. */
const redrawEveryMs = 5_000;

/** Is it healthy now, and if not, where does one click? */
export const overviewPage: MountPage = (context) => {
  const { root, connection, setTitle } = context;
  setTitle(t('nav.overview'));
  fill(root, h('h1', {}, t('nav.overview')), h('p', { class: 'empty quiet' }, t('common.loading')));
  let view: View | null = null;
  let data: OverviewData | null = null;
  const show = (): void => {
    if (data === null) return;
    if (view === null) {
      view = createView(context);
      fill(root, ...view.elements);
    }
    view.update(data, connection.now());
  };
  const unwatch = connection.watch('overview', {
    data: (newest) => {
      if (newest.kind !== 'overview') return;
      data = newest;
      show();
    },
    refused: (problem) => fill(root, h('p', { class: 'empty wrong' }, problem.message)),
  });
  const timer = setInterval(show, redrawEveryMs);
  return () => {
    clearInterval(timer);
    unwatch();
    view?.close();
  };
};

interface View {
  readonly elements: readonly HTMLElement[];
  update(data: OverviewData, now: number): void;
  close(): void;
}

function createView(context: PageContext): View {
  const verdict = verdictLine();
  const nodes = h('ul', { class: 'node-strip', 'aria-label': t('overview.strip') });
  const madeNodes = new Map<string, HTMLElement>();
  const running = tile(t('overview.running'), '/workflows?state=running');
  const perMinute = tile(t('overview.perMinute'), '/workflows?state=completed');
  const failed = tile(t('overview.failed'), '/workflows?state=failed');
  const up = tile(t('overview.nodes'), '/cluster');
  const oldest = tile(t('overview.oldest'), '/workflows?state=running');
  const oldestTime = duration();
  oldest.value.append(oldestTime);
  const chart = throughputCard();
  const recent = runList(false);
  const failures = runList(true);
  const first = firstSteps(context);
  const filled = h(
    'div',
    { class: 'overview' },
    h(
      'div',
      { class: 'tiles' },
      [running, perMinute, failed, up, oldest].map(({ element }) => element),
    ),
    chart.element,
    h(
      'div',
      { class: 'pair runs-pair' },
      h(
        'section',
        { class: 'card runs-card' },
        h(
          'h2',
          {},
          t('overview.recent'),
          h('a', { class: 'all-link', href: '/workflows' }, t('overview.all')),
        ),
        recent.element,
      ),
      h(
        'section',
        { class: 'card runs-card' },
        h(
          'h2',
          {},
          t('overview.failures'),
          h('a', { class: 'all-link', href: '/workflows?state=failed' }, t('overview.all')),
        ),
        failures.element,
      ),
    ),
  );
  return {
    elements: [
      h(
        'div',
        { class: 'page-head overview-head' },
        h('div', { class: 'title' }, h('h1', {}, t('nav.overview')), verdict.element),
        nodes,
      ),
      first.element,
      filled,
    ],
    update: (data, now) => {
      const figures = figuresOf(data, now);
      const { counts } = data;
      verdict.show(concernsOf(data, figures));
      keyed(nodes, data.nodes, {
        key: ({ name }) => name,
        create: ({ name, state }) => h('li', {}, nodeState(state), h('b', {}, name)),
        update: (element, { state }) => {
          const word = element.querySelector<HTMLElement>('.node-state');
          if (word !== null) setNodeState(word, state);
        },
        made: madeNodes,
      });
      running.show(formatNumber(counts.running), t('overview.pending', { count: counts.pending }));
      perMinute.show(
        formatNumber(figures.perMinute, figures.perMinute < 10 ? 1 : 0),
        t('overview.hour', { count: figures.hour.completed }),
      );
      failed.show(
        figures.failedShare === null ? '–' : formatPercent(figures.failedShare, 1),
        t('overview.failedHour', { count: figures.hour.failed }),
      );
      failed.element.dataset['bad'] = String(figures.hour.failed > 0);
      up.show(
        t('overview.upOf', { up: figures.nodesUp, all: data.nodes.length }),
        figures.nodesUp === data.nodes.length ? t('overview.allUp') : t('overview.notAllUp'),
      );
      up.element.dataset['bad'] = String(figures.nodesUp < data.nodes.length);
      showOldest(oldest, oldestTime, data.oldest);
      chart.show(figures);
      recent.show(data.recent);
      failures.show(data.failures);
      const empty = data.recent.length === 0;
      first.element.hidden = !empty;
      filled.hidden = empty;
    },
    close: () => chart.close(),
  };
}

interface Tile {
  readonly element: HTMLAnchorElement;
  readonly value: HTMLElement;
  readonly note: HTMLElement;
  show(value: string, note: string): void;
}

function tile(label: string, href: string): Tile {
  const value = h('b', { class: 'number' });
  const note = h('span', { class: 'tile-note' });
  return {
    element: h(
      'a',
      { class: 'tile', href },
      h('span', { class: 'tile-label' }, label),
      value,
      note,
    ),
    value,
    note,
    show: (text, more) => {
      setText(value, text);
      setText(note, more);
    },
  };
}

function showOldest(place: Tile, time: HTMLElement, row: WorkflowRow | null): void {
  setDuration(time, row === null ? undefined : (row.started_at ?? row.created_at), undefined);
  setText(place.note, row === null ? t('overview.noneRuns') : row.name);
  place.element.href =
    row === null ? '/workflows?state=running' : `/workflows/${encodeURIComponent(row.id)}`;
}
