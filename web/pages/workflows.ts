import {
  type Counts,
  newestFirst,
  type WorkflowRow,
  type WorkflowState,
} from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import type { MountPage } from '../page.ts';
import { messageOf, notice } from '../parts/notice.ts';
import { startDialog } from '../parts/start-dialog.ts';
import { setStateBadge, stateBadge, stateIcon } from '../parts/state.ts';
import { ago, duration, setDuration } from '../time.ts';

const pageSize = 50;
const states: readonly WorkflowState[] = ['running', 'pending', 'completed', 'failed', 'canceled'];

/** The list of workflows: how many in which state, the newest first, and how to start one. */
export const workflowsPage: MountPage = ({ root, query, connection, navigate, setTitle }) => {
  const state = states.find((known) => known === query.get('state')) ?? null;
  const offset = Math.max(0, Math.floor(Number(query.get('offset') ?? 0)) || 0);
  const stop = new AbortController();
  const rows = new Map<string, WorkflowRow>();
  const newer = new Set<string>();
  const openedAt = connection.now();
  setTitle('Workflows');

  const cards = new Map<string, HTMLElement>();
  const totals = h(
    'nav',
    { class: 'totals', 'aria-label': 'Workflows by state' },
    totalCard(cards, 'total', state === null, () => navigate('/workflows')),
    states.map((each) =>
      totalCard(cards, each, state === each, () =>
        navigate(state === each ? '/workflows' : `/workflows?state=${each}`),
      ),
    ),
  );
  const dialog = startDialog((id) => navigate(`/workflows/${encodeURIComponent(id)}`));
  const body = h('tbody');
  const made = new Map<string, HTMLTableRowElement>();
  const empty = h('p', { class: 'empty quiet' }, 'Loading…');
  const pill = h('button', {
    class: 'pill',
    type: 'button',
    hidden: true,
    onclick: () => navigate('/workflows'),
  });
  const pager = h('nav', { class: 'pager', 'aria-label': 'Pages' });
  fill(
    root,
    h(
      'div',
      { class: 'page-head' },
      h('h1', {}, 'Workflows'),
      h(
        'button',
        { class: 'primary', type: 'button', onclick: () => dialog.open() },
        'Start workflow',
      ),
    ),
    totals,
    pill,
    h(
      'div',
      { class: 'card table-card' },
      h(
        'table',
        { class: 'workflows' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['State', 'Workflow', 'Steps', 'Duration', 'Started'].map((name) =>
              h('th', { scope: 'col' }, name),
            ),
          ),
        ),
        body,
      ),
      empty,
    ),
    pager,
    dialog.element,
  );

  const show = (): void => {
    const shown = newestFirst(
      [...rows.values()].filter((row) => state === null || row.state === state),
    );
    keyed(body, shown.slice(0, pageSize), {
      key: (row) => row.id,
      create: createRow,
      update: updateRow,
      made,
    });
    empty.hidden = shown.length > 0;
    setText(empty, state === null ? 'No workflows yet. Start one.' : `No ${state} workflows.`);
    fill(
      pager,
      offset > 0 && pageLink('← Newer', state, Math.max(0, offset - pageSize), navigate),
      shown.length >= pageSize && pageLink('Older →', state, offset + pageSize, navigate),
    );
  };

  const load = async (): Promise<void> => {
    const filter = new URLSearchParams({ limit: String(pageSize), offset: String(offset) });
    if (state !== null) filter.set('state', state);
    const answer = await api.workflows(filter.toString(), stop.signal);
    for (const row of answer.workflows) take(row);
    show();
  };

  const take = (row: WorkflowRow): void => {
    if ((rows.get(row.id)?.seq ?? -1) <= row.seq) rows.set(row.id, row);
  };

  const unwatch = connection.watch('workflows', {
    data: (data, ops) => {
      if (data.kind !== 'list') return;
      showCounts(cards, data.counts);
      // The newest rows are those of the first page; further pages and filters load theirs, and follow what they show.
      if (ops === null && offset === 0) data.rows.forEach(take);
      for (const op of ops ?? []) {
        if (op.op !== 'row') continue;
        if (offset === 0 || rows.has(op.row.id)) take(op.row);
        else if (Date.parse(op.row.created_at) > openedAt) newer.add(op.row.id);
      }
      setText(pill, `${newer.size} new ↑`);
      pill.hidden = newer.size === 0;
      trim(rows, state);
      show();
      // What is not among the newest is not in the feed: a page that shows it asks when it may have missed something.
      if (ops === null && (offset > 0 || state !== null)) reload();
    },
    refused: (problem) => notice(problem.message, 'wrong'),
  });
  let loading = false;
  const reload = (): void => {
    if (loading) return;
    loading = true;
    load()
      .catch((error: unknown) => {
        if (!stop.signal.aborted) notice(messageOf(error), 'wrong');
      })
      .finally(() => {
        loading = false;
      });
  };
  return () => {
    stop.abort();
    unwatch();
  };
};

function createRow(row: WorkflowRow): HTMLTableRowElement {
  const link = `/workflows/${encodeURIComponent(row.id)}`;
  return h(
    'tr',
    { 'data-id': row.id },
    h('td', {}, stateBadge(row.state)),
    h(
      'td',
      { class: 'wide' },
      h('a', { class: 'row-link', href: link }, row.name),
      h('span', { class: 'mono quiet id' }, row.id),
      h('span', { class: 'row-error' }),
    ),
    h('td', {}, h('span', { class: 'minibar', role: 'img' })),
    h('td', {}, duration()),
    h('td', {}, ago(row.created_at)),
  );
}

function updateRow(element: HTMLTableRowElement, row: WorkflowRow): void {
  if (element.dataset['seq'] === String(row.seq)) return;
  element.dataset['seq'] = String(row.seq);
  element.dataset['state'] = row.state;
  const badge = element.querySelector<HTMLElement>('.badge');
  const error = element.querySelector<HTMLElement>('.row-error');
  const bar = element.querySelector<HTMLElement>('.minibar');
  const time = element.querySelector<HTMLElement>('[data-form=duration]');
  if (badge !== null) setStateBadge(badge, row.state);
  if (error !== null) setText(error, row.error ?? '');
  if (bar !== null) showMinibar(bar, row);
  if (time !== null) setDuration(time, row.started_at ?? row.created_at, row.ended_at);
}

// Rows that the filter no longer wants would pile up while the page is open.
function trim(rows: Map<string, WorkflowRow>, state: WorkflowState | null): void {
  if (rows.size <= 4 * pageSize) return;
  const keep = newestFirst(
    [...rows.values()].filter((row) => state === null || row.state === state),
  );
  rows.clear();
  for (const row of keep.slice(0, 2 * pageSize)) rows.set(row.id, row);
}

function totalCard(
  cards: Map<string, HTMLElement>,
  name: 'total' | WorkflowState,
  current: boolean,
  go: () => void,
): HTMLElement {
  const number = h('b', { class: 'number' }, '–');
  cards.set(name, number);
  return h(
    'button',
    {
      class: 'total',
      type: 'button',
      'data-state': name,
      'aria-pressed': String(current),
      onclick: go,
    },
    h('span', {}, name !== 'total' && stateIcon(name), name === 'total' ? 'all' : name),
    number,
  );
}

function showCounts(cards: ReadonlyMap<string, HTMLElement>, counts: Counts): void {
  const total = states.reduce((sum, state) => sum + counts[state], 0);
  for (const [name, number] of cards) {
    const known = states.find((state) => state === name);
    setText(number, (known === undefined ? total : counts[known]).toLocaleString());
  }
}

const barStates = ['completed', 'skipped', 'running', 'retrying', 'failed', 'canceled', 'pending'];

function showMinibar(bar: HTMLElement, row: WorkflowRow): void {
  const parts = barStates
    .map((state) => ({ state, count: row.task_states[state] ?? 0 }))
    .filter(({ count }) => count > 0);
  fill(
    bar,
    ...parts.map(({ state, count }) => {
      const part = h('i', { 'data-state': state });
      part.style.flexGrow = String(count);
      return part;
    }),
  );
  const text = parts.map(({ state, count }) => `${count} ${state}`).join(', ');
  bar.title = text;
  bar.setAttribute('aria-label', text);
}

function pageLink(
  text: string,
  state: WorkflowState | null,
  offset: number,
  navigate: (path: string) => void,
): HTMLElement {
  const query = new URLSearchParams();
  if (state !== null) query.set('state', state);
  if (offset > 0) query.set('offset', String(offset));
  return h(
    'button',
    { type: 'button', onclick: () => navigate(`/workflows?${query.toString()}`) },
    text,
  );
}
