import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { Page } from 'playwright-core';

/** WCAG 2.2, level AA, with all that came before it. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

let source: Promise<string> | undefined;

/**
 * What axe finds wrong with the page as it is, in the light and in the dark, a line for each place; with the rule, so that
 * its help can be found at dequeuniversity.com.
 */
export async function axeViolations(
  page: Page,
  themes: readonly ('light' | 'dark')[] = ['light', 'dark'],
): Promise<readonly string[]> {
  source ??= readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
  const found: string[] = [];
  // As high as all that is on it: a part that one has not scrolled to yet is not obscured.
  const { width, height } = page.viewportSize() ?? { width: 1280, height: 900 };
  const whole = Number(await page.evaluate('document.documentElement.scrollHeight'));
  await page.setViewportSize({ width, height: Math.max(height, whole) });
  for (const colorScheme of themes) {
    // A colour on its way from one to the other would be judged as it is at that moment.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(`if (!window.axe) {${await source}}`);
    const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => [id, target.join(' '), failureSummary].join(': '))))`;
    const lines: unknown = await page.evaluate(run);
    if (!Array.isArray(lines)) throw new Error('axe did not answer');
    found.push(...lines.map((line) => `${colorScheme}: ${String(line)}`));
  }
  await page.setViewportSize({ width, height });
  return found;
}
