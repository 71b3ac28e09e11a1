import type { Minute, OverviewData, WorkflowRow } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import { formatMinute, formatNumber, formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { MountPage, PageContext } from '../page.ts';
import {
  busiest,
  type Concern,
  concernsOf,
  endedIn,
  type Figures,
  figuresOf,
} from '../parts/figures.ts';
import { nodeState, setNodeState } from '../parts/node-state.ts';
import { messageOf, notice } from '../parts/notice.ts';
import { setStateBadge, stateBadge, stateIcon, stateWord } from '../parts/state.ts';
import type { ThroughputChart } from '../parts/throughput-chart.ts';
import { samples } from '../samples.ts';
import { ago, duration, setDuration } from '../time.ts';
import { may } from '../who.ts';

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
  const chart = chartCard();
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

interface Verdict {
  readonly element: HTMLElement;
  show(concerns: readonly Concern[]): void;
}

/** Whether all is well, in a line. A concern that stays keeps its link, and the focus on it, while its numbers change. */
function verdictLine(): Verdict {
  const well = h('p', { class: 'well' }, stateIcon('completed'), h('span', {}, t('overview.well')));
  const links = h('span', { class: 'links' });
  const wrong = h('p', { class: 'concerns' }, stateIcon('failed'), links);
  const made = new Map<string, HTMLAnchorElement>();
  const element = h('div', { class: 'verdict' }, well, wrong);
  return {
    element,
    show: (concerns) => {
      well.hidden = concerns.length > 0;
      wrong.hidden = concerns.length === 0;
      keyed(links, concerns, {
        key: ({ type }) => type,
        create: ({ type }) =>
          h('a', { href: type === 'nodes' ? '/cluster' : '/workflows?state=failed' }),
        update: (link, concern) => setText(link, concernText(concern)),
        made,
      });
    },
  };
}

function concernText(concern: Concern): string {
  if (concern.type === 'nodes') {
    const names = concern.nodes.map(({ name }) => name).join(', ');
    return t('overview.nodesAway', { count: concern.nodes.length, names });
  }
  const share = formatPercent(concern.share, 1);
  return t('overview.someFailed', { count: concern.count, share });
}

function chartCard(): {
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

/** Workflows, a line for each; `why` shows their errors. */
function runList(why: boolean): {
  readonly element: HTMLElement;
  show(rows: readonly WorkflowRow[]): void;
} {
  const list = h('ul', { class: 'runs' });
  const none = h('p', { class: 'quiet none' }, why ? t('overview.noFailures') : t('common.none'));
  const made = new Map<string, HTMLElement>();
  return {
    element: h('div', {}, list, none),
    show: (rows) => {
      none.hidden = rows.length > 0;
      keyed(list, rows, {
        key: ({ id }) => id,
        create: (row) => runItem(row, why),
        update: updateRun,
        made,
      });
    },
  };
}

function runItem(row: WorkflowRow, why: boolean): HTMLElement {
  return h(
    'li',
    { 'data-id': row.id },
    !why && stateBadge(row.state),
    h(
      'div',
      { class: 'run-what' },
      h('a', { class: 'row-link', href: `/workflows/${encodeURIComponent(row.id)}` }, row.name),
      why ? h('span', { class: 'row-error' }) : h('span', { class: 'mono quiet one-line' }, row.id),
    ),
    h('div', { class: 'run-when' }, !why && duration(), ago(row.ended_at ?? row.created_at)),
  );
}

function updateRun(element: HTMLElement, row: WorkflowRow): void {
  if (element.dataset['seq'] === String(row.seq)) return;
  element.dataset['seq'] = String(row.seq);
  const badge = element.querySelector<HTMLElement>('.badge');
  const error = element.querySelector<HTMLElement>('.row-error');
  const time = element.querySelector<HTMLElement>('[data-form=duration]');
  if (badge !== null) setStateBadge(badge, row.state);
  if (error !== null) setText(error, row.error ?? '');
  if (time !== null) setDuration(time, row.started_at ?? row.created_at, row.ended_at);
}

/** What somebody sees who has just come: what there is to do. */
function firstSteps({ who, navigate }: PageContext): { readonly element: HTMLElement } {
  const act = h('p', { class: 'actions-left' });
  const element = h(
    'section',
    { class: 'card first-steps', hidden: true },
    h('h2', {}, t('overview.first')),
    h('p', { class: 'quiet' }, t('overview.first.hint')),
    act,
  );
  const start = async (): Promise<void> => {
    const { id } = await api.start(samples.order);
    navigate(`/workflows/${encodeURIComponent(id)}`);
  };
  const offer = async (): Promise<void> => {
    const { definitions } = await api.definitions();
    const known = definitions.some(({ name }) => name === samples.order.name);
    fill(
      act,
      known &&
        may(who, 'operate') &&
        h(
          'button',
          {
            class: 'primary',
            type: 'button',
            onclick: () => {
              start().catch((error: unknown) => notice(messageOf(error), 'wrong'));
            },
          },
          t('overview.first.sample'),
        ),
      definitions.length === 0
        ? h('span', { class: 'quiet' }, t('definitions.none.hint'))
        : h('a', { class: 'button', href: '/definitions' }, t('overview.first.own')),
    );
  };
  offer().catch((error: unknown) => fill(act, h('span', { class: 'wrong' }, messageOf(error))));
  return { element };
}
