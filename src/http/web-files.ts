import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { type RequestHandler, Router } from 'express';

import { consolePaths } from './console-paths.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface WebFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

const compress = promisify(gzip);

/** Serves the console: its files by their hashed names, and its page for every path that is a page. */
export async function webFiles(options: { dev: boolean }): Promise<RequestHandler> {
  const root = packageRoot();
  if (options.dev) await buildWhenStale(root);
  const files = await readFiles(join(root, 'dist', 'web'));
  const page = files.get('index.html');
  if (page === undefined) {
    throw new Error(
      'The console is not built: dist/web/index.html is missing. Run "npm run build".',
    );
  }
  const router = Router();
  router.get('/assets/:name', (request, response, next) => {
    const { name } = request.params;
    const file = files.get(name);
    if (file === undefined) return next();
    // The name has the hash of the content.
    response.set('Cache-Control', 'public, max-age=31536000, immutable');
    sendFile(request, response, file);
  });
  router.get('/icon.svg', (request, response, next) => {
    const icon = files.get('icon.svg');
    if (icon === undefined) return next();
    response.set('Cache-Control', 'no-cache');
    sendFile(request, response, icon);
  });
  router.get(
    /^\/(?!api(\/|$)|socket\.io|livez|readyz|healthz|startupz|metrics|docs(\/|$))[^.]*$/,
    (request, response, next) => {
      const found = isPage(request.path);
      // Who takes anything gets the page where there is one, and of what is nowhere a problem that programs can read.
      const wanted = request.accepts(found ? ['html', 'json'] : ['json', 'html']);
      if (wanted !== 'html') return next();
      response.set('Cache-Control', 'no-cache');
      sendFile(request, response.status(found ? 200 : 404), page);
    },
  );
  // The id of a workflow and the name of a definition may hold a dot.
  router.get(['/workflows/:id', '/definitions/:name'], (request, response, next) => {
    if (request.accepts(['html', 'json']) !== 'html') return next();
    response.set('Cache-Control', 'no-cache');
    sendFile(request, response, page);
  });
  return router;
}

function isPage(path: string): boolean {
  return Object.values(consolePaths).some((page) => page.test(path));
}

export function sendFile(
  request: Parameters<RequestHandler>[0],
  response: Parameters<RequestHandler>[1],
  file: WebFile,
): void {
  response.set('Content-Type', file.type).vary('Accept-Encoding');
  const zipped = request.acceptsEncodings('gzip') === 'gzip';
  if (zipped) response.set('Content-Encoding', 'gzip');
  response.send(zipped ? file.gzipped : file.plain);
}

export async function readFiles(directory: string): Promise<ReadonlyMap<string, WebFile>> {
  const files = new Map<string, WebFile>();
  if (!existsSync(directory)) return files;
  for (const name of await readdir(directory)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const plain = await readFile(join(directory, name));
    files.set(name, { type, plain, gzipped: await compress(plain) });
  }
  return files;
}

/** In a checkout the builder is at hand; in the published package the files are built already and it is not. */
async function buildWhenStale(root: string): Promise<void> {
  const builder = join(root, 'scripts', 'build-web.ts');
  if (!existsSync(builder)) return;
  const module: unknown = await import(pathToFileURL(builder).href);
  if (
    typeof module === 'object' &&
    module !== null &&
    'buildWebWhenStale' in module &&
    typeof module.buildWebWhenStale === 'function'
  ) {
    await module.buildWebWhenStale();
  }
}

export function packageRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json'))) {
    const above = dirname(directory);
    if (above === directory) throw new Error('This file is not inside a package.');
    directory = above;
  }
  return directory;
}
