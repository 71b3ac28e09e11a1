import type { Tags } from '#http/live-protocol.ts';

import { h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { addressOf, everything } from './workflow-filter.ts';

/** Tags, each a way to all workflows that have it. */
export function tagList(tags: Tags): HTMLElement | null {
  const entries = Object.entries(tags);
  if (entries.length === 0) return null;
  return h(
    'span',
    { class: 'tags', role: 'list', 'aria-label': t('tags.label') },
    entries.map(([key, value]) =>
      h(
        'span',
        { role: 'listitem' },
        h(
          'a',
          {
            class: 'tag',
            href: addressOf({ ...everything, tags: { [key]: value } }),
            title: t('tags.filter', { key, value }),
          },
          h('span', { class: 'tag-key' }, key),
          value,
        ),
      ),
    ),
  );
}
