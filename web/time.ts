import { h, setText } from './dom.ts';

/*
 * Times that go on by themselves: one ticker brings every such element of the page up to date, so no page keeps timers.
 */
let now: () => number = Date.now;

export function startClock(serverNow: () => number): void {
  now = serverNow;
  setInterval(() => {
    for (const element of document.querySelectorAll<HTMLElement>('[data-since]')) show(element);
  }, 1_000);
}

/** `3 s ago`, with the moment itself as its title. */
export function ago(at: string): HTMLElement {
  const element = h('time', {
    datetime: at,
    title: new Date(at).toLocaleString(),
    'data-since': at,
    'data-form': 'ago',
  });
  show(element);
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
    setText(element, formatMs(Date.parse(to) - Date.parse(from)));
  }
}

export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function show(element: HTMLElement): void {
  const since = Date.parse(element.dataset['since'] ?? '');
  const passed = Math.max(0, now() - since);
  if (element.dataset['form'] === 'ago') {
    setText(element, passed < 2_000 ? 'just now' : `${coarse(passed)} ago`);
  } else {
    setText(element, passed < 1_000 ? '0 s' : coarse(passed));
  }
}

function coarse(ms: number): string {
  return ms < 60_000 ? `${Math.floor(ms / 1_000)} s` : formatMs(ms);
}
