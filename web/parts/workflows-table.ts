import { fill, h, keyed, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { ago, duration, setDuration } from '../time.ts';
import type { ShownRow } from './list-model.ts';
import { minibar, showMinibar } from './minibar.ts';
import { nothing, pageState, type Selection, toggle, togglePage } from './selection.ts';
import { setStateBadge, stateBadge } from './state.ts';
import { tagList } from './tags.ts';

export interface WorkflowsTable {
  readonly element: HTMLElement;
  readonly selection: Selection;
  show(rows: readonly ShownRow[]): void;
  clearSelection(): void;
}

/** The rows of the list. With `mayAct` each can be chosen: by a click, with shift from one to another, or by the keyboard. */
export function workflowsTable(options: {
  readonly mayAct: boolean;
  readonly selected: () => void;
}): WorkflowsTable {
  let selection: Selection = nothing;
  let ids: readonly string[] = [];
  const made = new Map<string, HTMLTableRowElement>();
  const body = h('tbody');
  const all = h('input', { type: 'checkbox', 'aria-label': t('select.page') });
  const choose = (next: Selection): void => {
    selection = next;
    showSelection();
    options.selected();
  };
  all.addEventListener('change', () => choose(togglePage(selection, ids)));
  const showSelection = (): void => {
    const state = pageState(selection, ids);
    all.checked = state === 'all';
    all.indeterminate = state === 'some';
    for (const [id, row] of made) {
      const chosen = selection.ids.has(id);
      row.setAttribute('aria-selected', String(chosen));
      const box = boxOf(row);
      if (box !== null) box.checked = chosen;
    }
  };
  body.addEventListener('click', (event) => {
    const { target } = event;
    if (!(target instanceof HTMLInputElement)) return;
    const id = target.closest('tr')?.dataset['id'];
    if (id !== undefined) choose(toggle(selection, id, ids, event.shiftKey));
  });
  body.addEventListener('keydown', (event) => {
    const { target } = event;
    if (!(target instanceof HTMLInputElement)) return;
    const row = target.closest('tr');
    if ((event.ctrlKey || event.metaKey) && event.key === 'a') {
      event.preventDefault();
      choose({ ids: new Set(ids), anchor: selection.anchor });
      return;
    }
    const to =
      event.key === 'ArrowDown'
        ? row?.nextElementSibling
        : event.key === 'ArrowUp'
          ? row?.previousElementSibling
          : null;
    if (!(to instanceof HTMLTableRowElement)) return;
    event.preventDefault();
    boxOf(to)?.focus();
    const id = to.dataset['id'];
    if (event.shiftKey && id !== undefined && !selection.ids.has(id)) {
      choose(toggle(selection, id, ids, false));
    }
  });
  const titles = ['state', 'workflow', 'tags', 'steps', 'duration', 'started'] as const;
  return {
    element: h(
      'table',
      { class: options.mayAct ? 'workflows selectable' : 'workflows' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          options.mayAct && h('th', { scope: 'col', class: 'cell-box' }, all),
          titles.map((name) =>
            h('th', { scope: 'col', class: `cell-${name}` }, t(`column.${name}`)),
          ),
        ),
      ),
      body,
    ),
    get selection() {
      return selection;
    },
    show: (rows) => {
      ids = rows.map(({ row }) => row.id);
      keyed(body, rows, {
        key: ({ row }) => row.id,
        create: (shown) => createRow(shown, options.mayAct),
        update: updateRow,
        made,
      });
      const known = new Set(ids);
      if ([...selection.ids].some((id) => !known.has(id))) {
        choose({ ids: new Set([...selection.ids].filter((id) => known.has(id))), anchor: null });
      } else {
        showSelection();
      }
    },
    clearSelection: () => choose(nothing),
  };
}

function boxOf(row: Element): HTMLInputElement | null {
  return row.querySelector<HTMLInputElement>('.cell-box input');
}

function createRow({ row }: ShownRow, mayAct: boolean): HTMLTableRowElement {
  const link = `/workflows/${encodeURIComponent(row.id)}`;
  return h(
    'tr',
    { 'data-id': row.id },
    mayAct &&
      h(
        'td',
        { class: 'cell-box' },
        h('input', { type: 'checkbox', 'aria-label': t('select.row', { id: row.id }) }),
      ),
    h('td', { class: 'cell-state' }, stateBadge(row.state)),
    h(
      'td',
      { class: 'cell-workflow wide' },
      h('a', { class: 'row-link', href: link }, row.name),
      h('span', { class: 'mono quiet id' }, row.id),
      h('span', { class: 'row-error' }),
      h('span', { class: 'row-gone', hidden: true }, t('list.gone')),
    ),
    h('td', { class: 'cell-tags' }, tagList(row.tags)),
    h('td', { class: 'cell-steps' }, minibar()),
    h('td', { class: 'cell-duration' }, duration()),
    h('td', { class: 'cell-started' }, ago(row.created_at)),
  );
}

function updateRow(element: HTMLTableRowElement, { row, gone }: ShownRow): void {
  const key = `${row.seq} ${gone}`;
  if (element.dataset['key'] === key) return;
  element.dataset['key'] = key;
  element.dataset['state'] = row.state;
  element.classList.toggle('gone', gone);
  const badge = element.querySelector<HTMLElement>('.badge');
  const error = element.querySelector<HTMLElement>('.row-error');
  const note = element.querySelector<HTMLElement>('.row-gone');
  const bar = element.querySelector<HTMLElement>('.minibar');
  const time = element.querySelector<HTMLElement>('[data-form=duration]');
  const tags = element.querySelector<HTMLElement>('.cell-tags');
  if (badge !== null) setStateBadge(badge, row.state);
  if (error !== null) setText(error, row.error ?? '');
  if (note !== null) note.hidden = !gone;
  if (bar !== null) showMinibar(bar, row.task_states);
  if (time !== null) setDuration(time, row.started_at ?? row.created_at, row.ended_at);
  if (tags !== null && tags.childElementCount === 0) fill(tags, tagList(row.tags));
}
