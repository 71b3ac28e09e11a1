import { ApiError } from '../api.ts';
import { h } from '../dom.ts';
import { language } from '../i18n/language.ts';
import type { Key } from '../i18n/message.ts';
import { hasText, t } from '../i18n/text.ts';

/** Says something at the bottom of the page for a while. */
export function notice(text: string, kind: 'info' | 'wrong' = 'info'): void {
  let place = document.querySelector('.notices');
  if (place === null) {
    place = h('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });
    document.body.append(place);
  }
  const element = h('div', { class: 'notice', 'data-kind': kind }, text);
  place.append(element);
  setTimeout(() => element.remove(), kind === 'wrong' ? 8_000 : 4_000);
}

/** For what nobody waits for: a failure is said at the bottom of the page, unless nobody wants it any more. */
export function own(work: Promise<unknown>, signal?: AbortSignal): void {
  work.catch((error: unknown) => {
    if (signal?.aborted !== true) notice(messageOf(error), 'wrong');
  });
}

/** What went wrong, for people, in their language. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return problemText(error.code, error.message);
  // What fetch throws when nobody answers; its own words differ from browser to browser.
  if (error instanceof TypeError) return t('error.network');
  return error instanceof Error ? error.message : String(error);
}

/** The server speaks English and is precise: in English its sentence is enough, elsewhere it comes after what the code means. */
export function problemText(code: string, detail: string): string {
  if (language() === 'en') return detail;
  const key = `error.${code}`;
  return isProblem(key) ? t('error.said', { what: t(key), detail }) : detail;
}

type ProblemKey = Extract<Key, `error.${Uppercase<string>}`>;

function isProblem(key: string): key is ProblemKey {
  return /^error\.[A-Z_]+$/.test(key) && hasText(key);
}
