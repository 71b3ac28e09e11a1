import type { TaskState } from '#http/live-protocol.ts';

import { h, s } from '../dom.ts';
import { t } from '../i18n/text.ts';

/*
 * A state is always shown as icon, word and colour, so that no one of them has to be seen.
 */
const shapes: Readonly<Record<TaskState, string>> = {
  pending: 'M8 4.500V8l2.300 1.600',
  waiting: 'M6.300 6.200a1.800 1.800 0 1 1 2.600 1.700c-.6.300-.9.700-.9 1.400M8 11.300v.1',
  running: 'M6.500 5.300v5.400L11 8z',
  retrying: 'M11 6.200A3.600 3.600 0 1 0 11.500 9M11.400 3.900v2.500H8.900',
  completed: 'M4.900 8.200l2.200 2.200 4-4.500',
  failed: 'M5.600 5.600l4.800 4.800M10.400 5.600l-4.800 4.800',
  canceled: 'M5.200 8h5.600',
  skipped: 'M5 5.200L8 8l-3 2.800M8.500 5.200l3 2.800-3 2.800',
};

/** What has ended first, as in a bar of progress. */
export const taskStates: readonly TaskState[] = [
  'completed',
  'skipped',
  'running',
  'retrying',
  'waiting',
  'failed',
  'canceled',
  'pending',
];

export function stateIcon(state: TaskState): SVGSVGElement {
  return s(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    s('circle', { cx: 8, cy: 8, r: 7, class: 'icon-ring' }),
    s('path', { d: shapes[state], class: state === 'running' ? 'icon-solid' : 'icon-line' }),
  );
}

export function stateWord(state: TaskState): string {
  return t(`state.${state}`);
}

export function stateBadge(state: TaskState): HTMLElement {
  const badge = h('span', { class: 'badge' });
  setStateBadge(badge, state);
  return badge;
}

export function setStateBadge(badge: HTMLElement, state: TaskState): void {
  if (badge.dataset['state'] === state) return;
  badge.dataset['state'] = state;
  badge.replaceChildren(stateIcon(state), stateWord(state));
}
