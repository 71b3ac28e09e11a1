/* The page of the API: Swagger UI, which comes before this as a script of its own. */
import { chosenTheme } from '../parts/theme-choice.ts';

declare const SwaggerUIBundle: (options: Readonly<Record<string, unknown>>) => unknown;

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** As the console is: Swagger UI has a class for it, and a button of its own that it shows with a layout we do not use. */
function showTheme(): void {
  const theme = chosenTheme();
  const isDark = theme === 'dark' || (theme === 'system' && systemIsDark.matches);
  document.documentElement.classList.toggle('dark-mode', isDark);
  document.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
}

showTheme();
systemIsDark.addEventListener('change', showTheme);
// The console may be open beside it.
window.addEventListener('storage', showTheme);

SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#docs',
  // Would ask a server far away whether the document is well-formed.
  validatorUrl: null,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
