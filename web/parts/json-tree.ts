import { h } from '../dom.ts';
import { formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';

/*
 * JSON as a tree whose parts are made when they are opened: a value of megabytes costs what one looks at. It is built of
 * `details`, so keyboards and screen readers know how to use it.
 */
const openedItems = 12;
const itemsAtOnce = 100;
const textLimit = 600;

export function jsonTree(value: unknown): HTMLElement {
  return h('div', { class: 'tree mono' }, node(null, value, 0));
}

function node(key: string | null, value: unknown, depth: number): HTMLElement {
  const entries = entriesOf(value);
  if (entries === null) return h('div', { class: 'tree-leaf' }, keyOf(key), scalar(value));
  const list = Array.isArray(value);
  const size = t(list ? 'json.items' : 'json.keys', { count: entries.length });
  if (entries.length === 0) {
    return h('div', { class: 'tree-leaf' }, keyOf(key), h('span', {}, list ? '[]' : '{}'));
  }
  const inside = h('div', { class: 'tree-inside' });
  const details = h(
    'details',
    {},
    h(
      'summary',
      {},
      keyOf(key),
      h('span', {}, list ? '[' : '{'),
      h('span', { class: 'quiet tree-size' }, ` ${size} `),
      h('span', {}, list ? ']' : '}'),
    ),
    inside,
  );
  const open = (): void => {
    if (inside.childElementCount === 0) showMore(inside, entries, 0, depth + 1);
  };
  details.addEventListener('toggle', open);
  if (depth === 0 || (depth === 1 && entries.length <= openedItems)) {
    details.open = true;
    open();
  }
  return details;
}

function showMore(
  place: HTMLElement,
  entries: readonly (readonly [string, unknown])[],
  from: number,
  depth: number,
): void {
  const to = from + itemsAtOnce;
  place.append(...entries.slice(from, to).map(([key, value]) => node(key, value, depth)));
  const left = entries.length - to;
  if (left <= 0) return;
  const more = h(
    'button',
    {
      class: 'small',
      type: 'button',
      onclick: () => {
        more.remove();
        showMore(place, entries, to, depth);
        place.children.item(to)?.querySelector('summary')?.focus();
      },
    },
    t('json.more', { count: Math.min(left, itemsAtOnce), left: formatNumber(left) }),
  );
  place.append(more);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  if (typeof value !== 'object' || value === null) return null;
  return Object.entries(value);
}

function keyOf(key: string | null): readonly (HTMLElement | string)[] {
  return key === null ? [] : [h('span', { class: 'json-key' }, key), ': '];
}

function scalar(value: unknown): HTMLElement {
  if (typeof value !== 'string') return h('span', { class: 'json-value' }, String(value));
  if (value.length <= textLimit) return h('span', { class: 'json-text' }, JSON.stringify(value));
  const text = h('span', { class: 'json-text' }, `${JSON.stringify(value.slice(0, textLimit))}…`);
  const more = h(
    'button',
    {
      class: 'small',
      type: 'button',
      onclick: () => {
        more.remove();
        text.textContent = JSON.stringify(value);
      },
    },
    t('json.text', { count: value.length }),
  );
  return h('span', {}, text, ' ', more);
}
