import { h, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import type { BulkAction } from './bulk-dialog.ts';

/** How many workflows are selected, and what can be done with them. */
export function bulkBar(options: {
  readonly begin: (action: BulkAction) => void;
  readonly clear: () => void;
}) {
  const count = h('span', { class: 'number', role: 'status' });
  const cancel = h('button', {
    class: 'danger',
    type: 'button',
    onclick: () => options.begin('cancel'),
  });
  const retry = h('button', { type: 'button', onclick: () => options.begin('retry') });
  const element = h(
    'div',
    { class: 'bulk-bar', role: 'group', 'aria-label': t('select.label'), hidden: true },
    count,
    cancel,
    retry,
    h('button', { class: 'link', type: 'button', onclick: options.clear }, t('select.clear')),
  );
  return {
    element,
    show: (counts: {
      readonly selected: number;
      readonly cancel: number;
      readonly retry: number;
    }): void => {
      element.hidden = counts.selected === 0;
      setText(count, t('select.count', { count: counts.selected }));
      cancel.disabled = counts.cancel === 0;
      retry.disabled = counts.retry === 0;
      setText(cancel, t('select.cancel', { count: counts.cancel }));
      setText(retry, t('select.retry', { count: counts.retry }));
    },
  };
}
