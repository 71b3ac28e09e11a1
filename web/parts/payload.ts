import type { Payload } from '#http/live-protocol.ts';

import { fill, h } from '../dom.ts';
import { messageOf } from './notice.ts';

/** Values larger than this are shown cut even when the whole is here: a page is not an editor. */
const shownLimit = 200_000;

/**
 * A block that shows JSON. What is cut has a button that fetches the whole.
 */
export function payloadBlock(
  label: string,
  whole: () => Promise<unknown>,
): {
  readonly element: HTMLElement;
  show(payload: Payload | undefined, absent: string): void;
} {
  const code = h('pre', { class: 'json', tabindex: 0, 'aria-label': label });
  const more = h('div', { class: 'json-more' });
  const element = h('div', { class: 'payload' }, code, more);
  let shown: string | undefined;
  const showWhole = (value: unknown): void => {
    const text = pretty(value);
    const cut = text.length > shownLimit && `cut at ${formatSize(shownLimit)}`;
    fill(code, ...coloured(text.slice(0, shownLimit)));
    fill(more, cut && h('span', { class: 'quiet' }, cut));
  };
  return {
    element,
    show: (payload, absent) => {
      const key = payload === undefined ? absent : `${payload.length}:${payload.text}`;
      if (key === shown) return;
      shown = key;
      fill(more);
      if (payload === undefined) {
        fill(code, h('span', { class: 'quiet' }, absent));
        return;
      }
      if (payload.whole) {
        fill(code, ...coloured(pretty(JSON.parse(payload.text))));
        return;
      }
      fill(code, payload.text === '' ? '' : `${payload.text}…`);
      const size = h('span', { class: 'quiet' }, `${formatSize(payload.length)}, not all shown `);
      const button = h(
        'button',
        {
          class: 'small',
          onclick: () => {
            whole().then(showWhole, (error: unknown) => {
              fill(more, h('span', { class: 'wrong' }, messageOf(error)));
            });
          },
        },
        'Show all',
      );
      fill(more, size, button);
    },
  };
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? 'null';
}

// Keys, strings, and the other scalars of pretty-printed JSON; what is between stays plain.
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;
const colourLimit = 40_000;

function coloured(text: string): (Node | string)[] {
  if (text.length > colourLimit) return [text];
  const parts: (Node | string)[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    const [all, quoted, colon] = match;
    parts.push(text.slice(end, match.index));
    if (quoted === undefined) parts.push(h('span', { class: 'json-value' }, all));
    else if (colon === undefined) parts.push(h('span', { class: 'json-text' }, all));
    else parts.push(h('span', { class: 'json-key' }, quoted), colon);
    end = match.index + all.length;
  }
  parts.push(text.slice(end));
  return parts;
}

function formatSize(length: number): string {
  return length < 1024 * 1024
    ? `${Math.ceil(length / 1024)} KB`
    : `${(length / 1024 / 1024).toFixed(1)} MB`;
}
