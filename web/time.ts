import { h, setText } from './dom.ts';
import { formatAgo, formatDuration, formatMoment, formatPassing } from './i18n/format.ts';
import { t } from './i18n/text.ts';

/*
 * Times that go on by themselves: one ticker brings every such element of the page up to date, so no page keeps timers.
 */
let now: () => number = Date.now;

export function startClock(serverNow: () => number): void {
  now = serverNow;
  setInterval(() => {
    for (const element of document.querySelectorAll<HTMLElement>('[data-since]')) show(element);
    for (const element of document.querySelectorAll<HTMLElement>('[data-until]')) showLeft(element);
  }, 1_000);
}

/** `3 s ago`, with the moment itself as its title. */
export function ago(at: string): HTMLElement {
  const element = h('time', {
    datetime: at,
    title: formatMoment(new Date(at)),
    'data-since': at,
    'data-form': 'ago',
  });
  show(element);
  return element;
}

/** How long it still takes; nothing goes below zero. */
export function countdown(until: string): HTMLElement {
  const element = h('span', { class: 'number', 'data-until': until });
  showLeft(element);
  return element;
}

/** How long it took, or has taken so far; a dash when it has not begun. */
export function duration(): HTMLElement {
  return h('span', { class: 'number', 'data-form': 'duration' }, '–');
}

export function setDuration(
  element: HTMLElement,
  from: string | undefined,
  to: string | undefined,
): void {
  if (from === undefined) {
    delete element.dataset['since'];
    setText(element, '–');
  } else if (to === undefined) {
    element.dataset['since'] = from;
    show(element);
  } else {
    delete element.dataset['since'];
    setText(element, formatDuration(Date.parse(to) - Date.parse(from)));
  }
}

function showLeft(element: HTMLElement): void {
  const left = Date.parse(element.dataset['until'] ?? '') - now();
  setText(element, formatPassing(Math.max(0, left)));
}

function show(element: HTMLElement): void {
  const passed = Math.max(0, now() - Date.parse(element.dataset['since'] ?? ''));
  if (element.dataset['form'] === 'duration') setText(element, formatPassing(passed));
  else setText(element, passed < 2_000 ? t('time.now') : formatAgo(passed));
}
