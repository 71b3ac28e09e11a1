import { h } from '../dom.ts';

/** Says something at the bottom of the page for a while. */
export function notice(text: string, kind: 'info' | 'wrong' = 'info'): void {
  let place = document.querySelector('.notices');
  if (place === null) {
    place = h('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });
    document.body.append(place);
  }
  const element = h('div', { class: 'notice', 'data-kind': kind }, text);
  place.append(element);
  setTimeout(() => element.remove(), kind === 'wrong' ? 8_000 : 4_000);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
