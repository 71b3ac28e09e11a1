import { fill, h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { icon } from './icon.ts';
import { chooseTheme, chosenTheme } from './theme-choice.ts';

const next = { system: 'light', light: 'dark', dark: 'system' } as const;

/** A button that goes round system, light and dark; the choice is kept in the browser. */
export function themeButton(): HTMLElement {
  const button = h('button', { class: 'ghost', type: 'button' });
  let theme = chosenTheme();
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
    chooseTheme(theme);
    show();
    document.dispatchEvent(new Event('themechange'));
  });
  show();
  return button;
}
