import type { Counts, WorkflowState } from '#http/live-protocol.ts';

import { h, setText } from '../dom.ts';
import { formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { stateIcon, stateWord } from './state.ts';
import { states } from './workflow-filter.ts';

/** How many are in which state; a click shows those alone, with Ctrl or Shift those as well. */
export function stateTotals(chosen: (state: WorkflowState | null, also: boolean) => void) {
  const made = ([null, ...states] as const).map((state) => {
    const number = h('b', { class: 'number' }, '–');
    const card = h(
      'button',
      {
        class: 'total',
        type: 'button',
        'data-state': state ?? 'total',
        title: state === null ? null : t('list.also'),
        onclick: (event) => {
          const keys = event instanceof MouseEvent && event;
          chosen(state, keys !== false && (keys.ctrlKey || keys.metaKey || keys.shiftKey));
        },
      },
      h('span', {}, state === null ? t('common.all') : [stateIcon(state), stateWord(state)]),
      number,
    );
    return { state, number, card };
  });
  return {
    element: h(
      'nav',
      { class: 'totals', 'aria-label': t('list.by-state') },
      made.map(({ card }) => card),
    ),
    choose: (wanted: readonly WorkflowState[]): void => {
      for (const { state, card } of made) {
        const pressed = state === null ? wanted.length === 0 : wanted.includes(state);
        card.setAttribute('aria-pressed', String(pressed));
      }
    },
    clear: (): void => {
      for (const { number } of made) setText(number, '–');
    },
    show: (counts: Counts): void => {
      const total = states.reduce((sum, state) => sum + counts[state], 0);
      for (const { state, number } of made) {
        setText(number, formatNumber(state === null ? total : counts[state]));
      }
    },
  };
}
