import { en } from './en.ts';
import type { Key, Text } from './message.ts';

/** The language that texts, numbers and times are in. What has been written already stays as it is. */
export const languages = {
  en: { tag: 'en', name: 'English' },
  zh: { tag: 'zh-CN', name: '中文' },
} as const;

export type Language = keyof typeof languages;

let current: Language = 'en';
let texts: Readonly<Record<Key, Text>> = en;

export async function useLanguage(chosen: Language): Promise<void> {
  texts = chosen === 'zh' ? (await import('./zh.ts')).zh : en;
  current = chosen;
}

export function language(): Language {
  return current;
}

/** For Intl and for `lang`. */
export function languageTag(): string {
  return languages[current].tag;
}

export function textOf(key: Key): Text {
  return texts[key];
}
