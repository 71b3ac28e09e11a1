import type { WorkflowCard } from '#http/live-protocol.ts';

import { api, ApiError } from '../api.ts';
import { fill, h } from '../dom.ts';
import { payloadForm } from '../form/input-form.ts';
import { t } from '../i18n/text.ts';
import { messageOf, notice } from './notice.ts';

/** Asks for the payload of a signal, by the schema of the step that waits for it, and sends it. */
export async function signalDialog(
  { id, name, version }: WorkflowCard,
  signal: string,
): Promise<void> {
  const { steps } = await api.definition(name, version);
  const payload = payloadForm(steps.find((step) => step.name === signal)?.signal?.schema);
  const wrong = h('div', { class: 'wrong', role: 'alert' });
  const submit = h('button', { class: 'primary', type: 'submit' }, t('signal.send'));
  const send = async (): Promise<void> => {
    const value = payload.read();
    if (value === undefined) return;
    await api.signal(id, signal, value);
    dialog.close();
    notice(t('notice.signaled', { signal }));
  };
  const complain = (error: unknown): void => {
    const rest = error instanceof ApiError ? payload.blame(error.fields) : [];
    const isShown = error instanceof ApiError && error.fields.length > 0 && rest.length === 0;
    if (!isShown) fill(wrong, messageOf(error));
    dialog.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  };
  const dialog = h(
    'dialog',
    { class: 'signal', 'aria-labelledby': 'signal-title' },
    h(
      'form',
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          fill(wrong);
          submit.disabled = true;
          send()
            .catch(complain)
            .finally(() => {
              submit.disabled = false;
            });
        },
      },
      h('h2', { id: 'signal-title' }, t('signal.title', { signal })),
      h('p', { class: 'quiet' }, t('signal.text', { name, id })),
      payload.element,
      wrong,
      h(
        'div',
        { class: 'actions' },
        h('button', { type: 'button', onclick: () => dialog.close() }, t('common.back')),
        submit,
      ),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
