import type { Payload } from '#http/live-protocol.ts';

import { fill, h } from '../dom.ts';
import { formatBytes } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { copy } from './copy.ts';
import { jsonTree } from './json-tree.ts';
import { messageOf, own } from './notice.ts';

export interface PayloadBlock {
  readonly element: HTMLElement;
  show(payload: Payload | undefined, absent: string): void;
}

/**
 * A block that shows a JSON value. A large one comes as its beginning and its size; the whole is fetched when somebody wants
 * to see it, or to keep it as a file.
 */
export function payloadBlock(options: {
  readonly label: string;
  /** Of the file. */
  readonly name: string;
  readonly whole: () => Promise<unknown>;
}): PayloadBlock {
  const body = h('div', {
    class: 'json',
    role: 'group',
    tabindex: 0,
    'aria-label': options.label,
  });
  const size = h('span', { class: 'quiet' });
  const all = h(
    'button',
    { class: 'small', type: 'button', hidden: true, onclick: () => own(showAll()) },
    t('payload.all'),
  );
  const tools = h(
    'div',
    { class: 'json-more' },
    size,
    all,
    h(
      'button',
      { class: 'small', type: 'button', onclick: () => own(copyWhole()) },
      t('common.copy'),
    ),
    h(
      'button',
      { class: 'small', type: 'button', onclick: () => own(download()) },
      t('payload.download'),
    ),
  );
  let shown: string | undefined;
  let value: { readonly whole: unknown } | null = null;
  const wholeValue = async (): Promise<unknown> => {
    if (value !== null) return value.whole;
    const key = shown;
    const whole = await options.whole();
    // There may be another value by now.
    if (key === shown) value = { whole };
    return whole;
  };
  const showAll = async (): Promise<void> => {
    const key = shown;
    all.disabled = true;
    try {
      const whole = await wholeValue();
      if (key !== shown) return;
      fill(body, jsonTree(whole));
      all.hidden = true;
    } catch (error) {
      if (key === shown) fill(body, h('span', { class: 'wrong' }, messageOf(error)));
    } finally {
      all.disabled = false;
    }
  };
  const copyWhole = async (): Promise<void> => copy(pretty(await wholeValue()));
  const download = async (): Promise<void> => {
    const file = new Blob([pretty(await wholeValue())], { type: 'application/json' });
    const href = URL.createObjectURL(file);
    h('a', { href, download: `${options.name}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  };
  return {
    element: h('div', { class: 'payload' }, body, tools),
    show: (payload, absent) => {
      const key = payload === undefined ? absent : `${payload.length}:${payload.text}`;
      if (key === shown) return;
      shown = key;
      tools.hidden = payload === undefined;
      if (payload === undefined) {
        fill(body, h('span', { class: 'quiet' }, absent));
        return;
      }
      fill(size, formatBytes(payload.length));
      all.hidden = payload.whole;
      if (payload.whole) {
        const whole: unknown = JSON.parse(payload.text);
        value = { whole };
        fill(body, jsonTree(whole));
      } else {
        value = null;
        fill(body, h('span', { class: 'tree mono' }, payload.text, payload.text === '' ? '' : '…'));
      }
    },
  };
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? 'null';
}
