import { createRequire } from 'node:module';

/** Of this package, wherever it is installed and whether it was built. */
export const version: string = readVersion();

function readVersion(): string {
  const found: unknown = createRequire(import.meta.url)('temjob/package.json');
  const isManifest = typeof found === 'object' && found !== null && 'version' in found;
  return isManifest && typeof found.version === 'string' ? found.version : 'unknown';
}
