import { fill, h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { stateWord, taskStates } from './state.ts';

/** A small bar of the states of many tasks; the words are its label. */
export function minibar(): HTMLElement {
  return h('span', { class: 'minibar', role: 'img' });
}

export function showMinibar(bar: HTMLElement, counts: Readonly<Record<string, number>>): void {
  const parts = taskStates
    .map((state) => ({ state, count: counts[state] ?? 0 }))
    .filter(({ count }) => count > 0);
  fill(
    bar,
    ...parts.map(({ state, count }) => {
      const part = h('i', { 'data-state': state });
      part.style.flexGrow = String(count);
      return part;
    }),
  );
  const text = parts
    .map(({ state, count }) => t('tasks.counted', { count, state: stateWord(state) }))
    .join(', ');
  bar.title = text;
  bar.setAttribute('aria-label', text);
}
