import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The version of this package, from the checkout or from where it is installed. */
export function packageVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const { version }: { version?: string } =
    file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8'));
  return version ?? 'unknown';
}
