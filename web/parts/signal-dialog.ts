import type { Json } from '#actors/json.ts';
import type { WorkflowCard } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h } from '../dom.ts';
import { complain, focusWrong } from '../form/complain.ts';
import { payloadForm } from '../form/input-form.ts';
import { t } from '../i18n/text.ts';
import { notice } from './notice.ts';

/**
 * Asks for the payload of a signal, by the schema of the step that waits for it, and sends it. That somebody else was faster,
 * or that the workflow has ended meanwhile, is what the server answers: what was typed stays to be read.
 */
export async function signalDialog(
  { id, name, version }: WorkflowCard,
  signal: string,
  options: {
    /** The page goes, and the dialog with it. */
    readonly stop: AbortSignal;
    /** Closed; the focus is where it was before, if that is still there. */
    readonly closed: (sent: boolean) => void;
  },
): Promise<void> {
  const { stop } = options;
  const { steps } = await api.definition(name, version, stop);
  // Whoever clicked twice, or has opened something else meanwhile, gets no second dialog.
  if (stop.aborted || document.querySelector('dialog[open]') !== null) return;
  const payload = payloadForm(steps.find((step) => step.name === signal)?.signal?.schema);
  const wrong = h('div', { class: 'wrong', role: 'alert' });
  const keyOf = keys();
  let sending = false;
  let sent = false;
  const send = async (): Promise<void> => {
    const value = payload.read();
    if (value === undefined) {
      focusWrong(form);
      return;
    }
    await api.signal(id, signal, value, keyOf(value));
    sent = true;
    dialog.close();
    notice(t('notice.signaled', { signal }));
  };
  const form = h(
    'form',
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        // The button is not disabled meanwhile: it would lose the focus.
        if (sending) return;
        sending = true;
        fill(wrong);
        send()
          .catch((error: unknown) => complain(error, { form, fields: payload, place: wrong }))
          .finally(() => {
            sending = false;
          });
      },
    },
    h('h2', { id: 'signal-title' }, t('signal.title', { signal })),
    h('p', { class: 'quiet', id: 'signal-text' }, t('signal.text', { name, id })),
    payload.element,
    wrong,
    h(
      'div',
      { class: 'actions' },
      h('button', { type: 'button', onclick: () => dialog.close() }, t('common.back')),
      h('button', { class: 'primary', type: 'submit' }, t('signal.send')),
    ),
  );
  const dialog = h(
    'dialog',
    { class: 'signal', 'aria-labelledby': 'signal-title', 'aria-describedby': 'signal-text' },
    form,
  );
  const close = (): void => dialog.close();
  stop.addEventListener('abort', close);
  dialog.addEventListener('close', () => {
    stop.removeEventListener('abort', close);
    dialog.remove();
    if (!stop.aborted) options.closed(sent);
  });
  document.body.append(dialog);
  dialog.showModal();
  payload.focus();
}

/** A payload that is sent again, because no answer came, goes under the key that it had: it may have arrived. */
function keys(): (payload: Json) => string {
  const made = new Map<string, string>();
  return (payload) => {
    const text = JSON.stringify(payload);
    const key = made.get(text) ?? newKey();
    made.set(text, key);
    return key;
  };
}

/** Without `crypto.randomUUID`, which a page has on HTTPS and localhost alone. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join(
    '-',
  );
}
