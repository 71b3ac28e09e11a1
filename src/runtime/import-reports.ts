import { registerHooks } from 'node:module';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The code of this package, and whatever was installed beside it. */
const own = fileURLToPath(new URL('..', import.meta.url));
const installed = `${sep}node_modules${sep}`;

/**
 * Reports each file of the user's own code that this thread imports from now on, also one that turns out to be broken:
 * development mode watches them.
 */
export function reportImports(report: (file: string) => void): void {
  registerHooks({
    load: (url, context, next) => {
      if (url.startsWith('file:')) {
        const file = fileURLToPath(url);
        if (!file.startsWith(own) && !file.includes(installed)) report(file);
      }
      return next(url, context);
    },
  });
}
