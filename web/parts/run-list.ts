import type { WorkflowRow } from '#http/live-protocol.ts';

import { h, keyed, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { ago, duration, setDuration } from '../time.ts';
import { setStateBadge, stateBadge } from './state.ts';

/** Workflows, a line for each; `why` shows their errors. */
export function runList(why: boolean): {
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
