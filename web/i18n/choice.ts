import { type Language, languageTag, useLanguage } from './language.ts';

/* Which language: the one that was chosen here, else the first of the browser's that we have, else English. */
const storageKey = 'temjob-language';

/** Loads the language that this browser should see. */
export async function loadLanguage(): Promise<void> {
  await speak(stored() ?? preferred());
}

/** Changes the language and keeps the choice; what is on the page has to be drawn again. */
export async function changeLanguage(chosen: Language): Promise<void> {
  await speak(chosen);
  localStorage.setItem(storageKey, chosen);
}

async function speak(chosen: Language): Promise<void> {
  await useLanguage(chosen);
  document.documentElement.lang = languageTag();
}

function stored(): Language | null {
  return known(localStorage.getItem(storageKey) ?? '');
}

function preferred(): Language {
  for (const tag of navigator.languages) {
    const found = known(tag.toLowerCase().split('-')[0] ?? '');
    if (found !== null) return found;
  }
  return 'en';
}

function known(name: string): Language | null {
  return name === 'en' || name === 'zh' ? name : null;
}
