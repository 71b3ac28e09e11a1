import type { TaskCard, TaskState } from '#http/live-protocol.ts';

import { h, keyed, setText } from '../dom.ts';
import { formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { duration, setDuration } from '../time.ts';
import { gridTable, sayWhenEmpty } from './grid-table.ts';
import { setStateBadge, stateBadge, stateIcon, stateWord, taskStates } from './state.ts';
import { countsOf } from './task-states.ts';

export interface TasksTable {
  readonly element: HTMLElement;
  show(tasks: readonly TaskCard[]): void;
  select(step: string | null): void;
  close(): void;
}

/** Tasks in the order of the definition: all, or those in some state or with a text in them. */
export function tasksTable(options: {
  readonly onSelect: (step: string) => void;
  /** In a panel there is room for less. */
  readonly brief?: boolean;
}): TasksTable {
  const wanted = new Set<TaskState>();
  let all: readonly TaskCard[] = [];
  let shown: readonly TaskCard[] = [];
  let selected: string | null = null;
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('filter.states') });
  const madeChips = new Map<string, HTMLElement>();
  const search = h('input', {
    type: 'search',
    'aria-label': t('tasks.search'),
    placeholder: t('tasks.search'),
    oninput: () => show(),
  });
  const table = gridTable({
    kind: options.brief === true ? 'tasks-brief' : 'tasks',
    label: t('tasks.label'),
    columns:
      options.brief === true
        ? ['state', 'step', 'time']
        : ['state', 'step', 'attempts', 'time', 'node'],
    titles: {
      state: t('column.state'),
      step: t('column.step'),
      attempts: t('column.attempts'),
      time: t('column.duration'),
      node: t('column.node'),
    },
    rowHeights: { wide: 46, narrow: 62 },
    cells: (row) => {
      const badge = stateBadge('pending');
      const name = h('button', {
        class: 'row-link',
        type: 'button',
        onclick: () => options.onSelect(row.dataset['step'] ?? ''),
      });
      return {
        state: h('div', {}, badge),
        step: h('div', {}, name, h('span', { class: 'row-note' })),
        attempts: h('div', { class: 'number' }),
        time: h('div', {}, duration()),
        node: h('div', { class: 'mono quiet' }),
      };
    },
    update: (row, { state, step, attempts, time, node }, index) => {
      const task = shown[index];
      if (task === undefined) return;
      row.dataset['step'] = task.step;
      row.dataset['state'] = task.state;
      row.setAttribute('aria-selected', String(task.step === selected));
      const badge = state.querySelector<HTMLElement>('.badge');
      if (badge !== null) setStateBadge(badge, task.state);
      const name = step.querySelector('.row-link');
      if (name !== null) setText(name, task.step);
      const note = step.querySelector<HTMLElement>('.row-note');
      if (note !== null) showNote(note, task);
      setText(attempts, attemptsOf(task));
      const span = time.querySelector<HTMLElement>('[data-form]');
      if (span !== null) setDuration(span, task.started_at, task.completed_at);
      setText(node, nodeName(task.worker_id));
      node.title = task.worker_id ?? '';
    },
  });
  const show = (): void => {
    const text = search.value.trim().toLowerCase();
    shown = all.filter(
      (task) =>
        (wanted.size === 0 || wanted.has(task.state)) &&
        (text === '' || textOf(task).includes(text)),
    );
    sayWhenEmpty(table, t(all.length === 0 ? 'tasks.none' : 'filter.nothing'));
    table.show(shown.length);
  };
  const toggle = (state: TaskState): void => {
    if (!wanted.delete(state)) wanted.add(state);
    showChips(chips, madeChips, all, wanted, toggle);
    show();
  };
  return {
    element: h(
      'div',
      { class: 'table-with-tools' },
      h('div', { class: 'tools-row' }, chips, search),
      table.element,
    ),
    show: (tasks) => {
      if (tasks === all) return;
      all = tasks;
      showChips(chips, madeChips, all, wanted, toggle);
      show();
    },
    select: (step) => {
      selected = step;
      show();
    },
    close: () => table.close(),
  };
}

/** Names of nodes carry the mark of their process, which says nothing to people. */
export function nodeName(id: string | undefined): string {
  return id === undefined ? '–' : (id.split('~')[0] ?? id);
}

export function attemptsOf(task: TaskCard): string {
  // What waits for a signal is not tried.
  if (task.attempt === 0 || task.state === 'waiting') return '–';
  const most = Math.max(task.attempt, task.max_retries + 1);
  return `${formatNumber(task.attempt)} / ${formatNumber(most)}`;
}

function showNote(note: HTMLElement, task: TaskCard): void {
  const type = task.type === task.step ? '' : task.type;
  setText(note, task.error ?? task.reason ?? task.progress?.note ?? type);
  note.dataset['kind'] = task.error === undefined ? 'note' : 'error';
  note.title = note.textContent;
}

function textOf(task: TaskCard): string {
  const { step, type, error = '', reason = '', worker_id: node = '' } = task;
  return [step, type, error, reason, node, task.progress?.note ?? ''].join('\n').toLowerCase();
}

function showChips(
  place: HTMLElement,
  made: Map<string, HTMLElement>,
  tasks: readonly TaskCard[],
  wanted: ReadonlySet<TaskState>,
  toggle: (state: TaskState) => void,
): void {
  const counts = countsOf(tasks);
  const shown = taskStates.filter((state) => (counts[state] ?? 0) > 0 || wanted.has(state));
  keyed(place, shown, {
    key: (state) => state,
    create: (state) =>
      h(
        'button',
        { class: 'chip', type: 'button', 'data-state': state, onclick: () => toggle(state) },
        stateIcon(state),
        stateWord(state),
        h('span', { class: 'number' }),
      ),
    update: (chip, state) => {
      chip.setAttribute('aria-pressed', String(wanted.has(state)));
      const number = chip.querySelector('.number');
      if (number !== null) setText(number, formatNumber(counts[state] ?? 0));
    },
    made,
  });
}
