import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const sources = join(root, 'web', 'docs');
const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Puts Swagger UI with a page around it into a directory: all that /docs serves, so that it needs no other server. */
export async function buildDocsPage(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [join(sources, 'page.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2023',
    write: false,
    absWorkingDir: root,
  });
  const [page] = outputFiles;
  if (page !== undefined) await put(target, 'page.js', page.contents);
  // Its licence wants to be where it is.
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE', 'NOTICE']) {
    await put(target, name, await readFile(join(swagger, name)));
  }
  await put(target, 'index.html', await readFile(join(sources, 'index.html')));
}

// Whole or not at all: the nodes of a cluster may build at the same time.
async function put(target: string, name: string, content: Uint8Array): Promise<void> {
  const draft = join(target, `.${process.pid}-${name}`);
  await writeFile(draft, content);
  await rename(draft, join(target, name));
}
