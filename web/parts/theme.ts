import { fill, h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { icon } from './icon.ts';

const key = 'temjob-theme';
const next = { system: 'light', light: 'dark', dark: 'system' } as const;

type Theme = keyof typeof next;

/** A button that goes round system, light and dark; the choice is kept in the browser. */
export function themeButton(): HTMLElement {
  const button = h('button', { class: 'ghost', type: 'button' });
  let theme = stored();
  const show = (): void => {
    document.documentElement.dataset['theme'] = theme;
    fill(button, icon(theme));
    button.title = t('shell.theme', {
      name: t(`shell.theme.${theme}`),
      next: t(`shell.theme.${next[theme]}`),
    });
    button.setAttribute('aria-label', button.title);
  };
  button.addEventListener('click', () => {
    theme = next[theme];
    localStorage.setItem(key, theme);
    show();
    document.dispatchEvent(new Event('themechange'));
  });
  show();
  return button;
}

function stored(): Theme {
  const value = localStorage.getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}
