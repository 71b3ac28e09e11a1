import { h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { messageOf, notice } from './notice.ts';

/** A button that copies what `text` is at that moment. */
export function copyButton(text: () => string): HTMLElement {
  return h(
    'button',
    { class: 'small', type: 'button', onclick: () => copy(text()) },
    t('common.copy'),
  );
}

export function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => notice(t('common.copied')),
    (error: unknown) => notice(messageOf(error), 'wrong'),
  );
}
