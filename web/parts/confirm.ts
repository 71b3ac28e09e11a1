import { h } from '../dom.ts';
import { t } from '../i18n/text.ts';

/** Asks before something that cannot be undone. Resolves with whether it is to be done. */
export async function confirm(question: {
  readonly title: string;
  readonly text: string;
  /** The word on the button that does it. */
  readonly action: string;
  readonly more?: HTMLElement;
}): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const dialog = h(
    'dialog',
    { class: 'confirm', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' },
    h(
      'form',
      {
        method: 'dialog',
        onsubmit: () => resolve(true),
      },
      h('h2', { id: 'confirm-title' }, question.title),
      h('p', { id: 'confirm-text' }, question.text),
      question.more,
      h(
        'div',
        { class: 'actions' },
        h('button', { type: 'button', onclick: () => dialog.close() }, t('common.back')),
        h('button', { class: 'danger-fill', type: 'submit' }, question.action),
      ),
    ),
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
    resolve(false);
  });
  document.body.append(dialog);
  dialog.showModal();
  return await promise;
}
