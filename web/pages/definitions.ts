import type { WorkflowRow } from '#http/live-protocol.ts';

import { api, type ListedDefinition } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import type { MountPage } from '../page.ts';
import { messageOf } from '../parts/notice.ts';
import { setStateBadge, stateBadge } from '../parts/state.ts';
import { ago } from '../time.ts';

/** A search field appears when there are more than one sees at a glance. */
const searchFrom = 9;
/** Questions about single definitions that are on their way at once. */
const questionLimit = 4;

/** The definitions that the cluster knows, and when each was last used. */
export const definitionsPage: MountPage = ({ root, connection, setTitle }) => {
  const stop = new AbortController();
  setTitle(t('nav.definitions'));
  const search = h('input', {
    type: 'search',
    class: 'filter',
    hidden: true,
    'data-search': true,
    placeholder: t('definitions.search'),
    'aria-label': t('definitions.search'),
    oninput: () => show(),
  });
  const body = h('tbody');
  const made = new Map<string, HTMLTableRowElement>();
  const empty = h('div', { class: 'empty quiet' }, t('common.loading'));
  const table = h(
    'table',
    { class: 'definitions', hidden: true },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        [
          t('definitions.name'),
          t('definitions.steps'),
          t('definitions.versions'),
          t('definitions.last'),
        ].map((name) => h('th', { scope: 'col' }, name)),
      ),
    ),
    body,
  );
  fill(
    root,
    h('div', { class: 'page-head' }, h('h1', {}, t('nav.definitions')), search),
    h('div', { class: 'card table-card' }, table, empty),
  );

  let known: readonly ListedDefinition[] | null = null;
  const versions = new Map<string, number>();
  /** The newest workflow of each; null when there is none. */
  const last = new Map<string, WorkflowRow | null>();

  const show = (): void => {
    if (known === null) return;
    const wanted = search.value.trim().toLowerCase();
    const shown = known.filter(({ name }) => name.toLowerCase().includes(wanted));
    keyed(body, shown, {
      key: ({ name }) => name,
      create: createRow,
      update: (row, definition) => {
        updateRow(row, versions.get(definition.name), last.get(definition.name));
      },
      made,
    });
    table.hidden = shown.length === 0;
    empty.hidden = shown.length > 0;
    search.hidden = known.length < searchFrom;
    if (known.length === 0) showFirst(empty);
    else setText(empty, t('definitions.noMatch'));
  };

  const takeRows = (rows: readonly WorkflowRow[]): void => {
    for (const row of rows) {
      const have = last.get(row.name);
      const newer = have === undefined || have === null || have.created_at <= row.created_at;
      if (newer && (have?.id !== row.id || have.seq <= row.seq)) last.set(row.name, row);
    }
    show();
  };

  const unwatch = connection.watch('workflows', {
    data: (data, ops) => {
      if (data.kind !== 'list') return;
      if (ops === null) takeRows(data.rows);
      else takeRows(ops.flatMap((op) => (op.op === 'row' ? [op.row] : [])));
    },
    // Then the times are those of the first look.
    refused: () => undefined,
  });

  const load = async (): Promise<void> => {
    const answer = await api.definitions(stop.signal);
    known = answer.definitions.toSorted((a, b) => a.name.localeCompare(b.name));
    show();
    const open = [...known];
    const ask = async (): Promise<void> => {
      for (let next = open.shift(); next !== undefined; next = open.shift()) {
        const { name } = next;
        const query = new URLSearchParams({ name, limit: '1' });
        const [whole, newest] = await Promise.all([
          api.definition(name, undefined, stop.signal),
          last.has(name) ? null : api.workflows(query.toString(), stop.signal),
        ]);
        versions.set(name, whole.versions?.length ?? 1);
        if (newest !== null && !last.has(name)) last.set(name, newest.workflows[0] ?? null);
        show();
      }
    };
    await Promise.all(Array.from({ length: questionLimit }, ask));
  };
  load().catch((error: unknown) => {
    if (stop.signal.aborted) return;
    empty.hidden = false;
    fill(empty, h('p', { class: 'wrong' }, messageOf(error)));
  });
  return () => {
    stop.abort();
    unwatch();
  };
};

function createRow({ name, steps }: ListedDefinition): HTMLTableRowElement {
  return h(
    'tr',
    { 'data-definition': name },
    h(
      'td',
      { class: 'wide' },
      h('a', { class: 'row-link', href: `/definitions/${encodeURIComponent(name)}` }, name),
      h('span', { class: 'quiet one-line' }, steps.map((step) => step.name).join(' · ')),
    ),
    h('td', { class: 'number' }, steps.length),
    h('td', { class: 'number versions' }),
    h('td', { class: 'last' }),
  );
}

function updateRow(
  row: HTMLTableRowElement,
  versions: number | undefined,
  last: WorkflowRow | null | undefined,
): void {
  const count = row.querySelector('.versions');
  const cell = row.querySelector<HTMLElement>('.last');
  if (count !== null) setText(count, versions === undefined ? '' : String(versions));
  if (cell === null || last === undefined) return;
  if (last === null) {
    setText(cell, t('definitions.never'));
    return;
  }
  if (cell.dataset['id'] !== last.id) {
    cell.dataset['id'] = last.id;
    const href = `/workflows/${encodeURIComponent(last.id)}`;
    fill(cell, h('a', { class: 'last-link', href }, stateBadge(last.state), ago(last.created_at)));
  }
  const badge = cell.querySelector<HTMLElement>('.badge');
  if (badge !== null) setStateBadge(badge, last.state);
}

function showFirst(empty: HTMLElement): void {
  fill(empty, h('p', {}, t('definitions.none')), h('p', {}, t('definitions.none.hint')));
}
