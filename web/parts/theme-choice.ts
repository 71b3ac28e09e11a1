/** What was chosen for this browser; `system` is what that prefers. */
export type Theme = 'system' | 'light' | 'dark';

const key = 'temjob-theme';

export function chosenTheme(): Theme {
  const value = localStorage.getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(key, theme);
}
