import { api, ApiError } from '../api.ts';
import { fill, h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { messageOf } from '../parts/notice.ts';
import type { Who } from '../who.ts';

/** Covers whatever page was wanted until a key was given that the server knows; the page is there again then. */
export async function askForKey(): Promise<Who> {
  const { promise, resolve } = Promise.withResolvers<Who>();
  const titleBefore = document.title;
  const wrong = h('p', { class: 'wrong', role: 'alert', id: 'login-wrong' });
  const submit = h('button', { class: 'primary', type: 'submit' }, t('login.submit'));
  const key = h('input', {
    type: 'password',
    name: 'key',
    required: true,
    maxlength: 512,
    autocomplete: 'current-password',
    'aria-describedby': 'login-hint login-wrong',
  });
  const signIn = async (): Promise<void> => {
    const who = await api.signIn(key.value.trim());
    dialog.close();
    dialog.remove();
    document.title = titleBefore;
    resolve(who);
  };
  const form = h(
    'form',
    {
      onsubmit: (event) => {
        event.preventDefault();
        submit.disabled = true;
        fill(wrong);
        signIn()
          .catch((error: unknown) => {
            fill(wrong, complaint(error));
            key.select();
          })
          .finally(() => {
            submit.disabled = false;
          });
      },
    },
    h('img', { src: '/icon.svg', alt: '', width: 40, height: 40 }),
    h('h1', {}, t('login.title')),
    h('label', {}, t('login.key'), key),
    h('p', { class: 'quiet hint', id: 'login-hint' }, t('login.hint')),
    wrong,
    h('div', { class: 'actions' }, submit),
  );
  const dialog = h(
    'dialog',
    {
      class: 'login',
      'aria-label': t('login.title'),
      // There is nothing behind it to go back to.
      oncancel: (event) => event.preventDefault(),
    },
    form,
  );
  document.title = `${t('login.title')} · TemJob`;
  document.body.append(dialog);
  dialog.showModal();
  key.focus();
  return await promise;
}

function complaint(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return t('login.unknown');
  if (error instanceof ApiError && error.status === 429) return t('login.limited');
  return messageOf(error);
}
