import { h } from '../dom.ts';

const key = 'temjob-theme';
const next = { system: 'light', light: 'dark', dark: 'system' } as const;
const signs = { system: '◐', light: '☀', dark: '☾' } as const;

type Theme = keyof typeof next;

/** A button that goes round system, light and dark; the choice is kept in the browser. */
export function themeButton(): HTMLElement {
  const button = h('button', { class: 'ghost', type: 'button' });
  let theme = stored();
  const show = (): void => {
    document.documentElement.dataset['theme'] = theme;
    button.textContent = signs[theme];
    button.title = `Theme: ${theme}`;
    button.setAttribute('aria-label', `Theme: ${theme}. Change to ${next[theme]}.`);
  };
  button.addEventListener('click', () => {
    theme = next[theme];
    localStorage.setItem(key, theme);
    show();
  });
  show();
  return button;
}

function stored(): Theme {
  const value = localStorage.getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}
