import { join } from 'node:path';

import { type RequestHandler, Router } from 'express';

import { packageRoot, readFiles, sendFile, type WebFile } from './web-files.ts';

/** Serves the page of the API with its files, to whoever may read; they are read when somebody comes. */
export function docsPage(guard: RequestHandler): RequestHandler {
  let files: Promise<ReadonlyMap<string, WebFile>> | null = null;
  const router = Router();
  router.get(['/docs', '/docs/:name'], guard, async (request, response, next) => {
    files ??= readFiles(join(packageRoot(), 'dist', 'web', 'docs'));
    const { name = 'index.html' } = request.params;
    const file = (await files).get(String(name));
    if (file === undefined) return next();
    response.set('Cache-Control', 'no-cache');
    sendFile(request, response, file);
  });
  return router;
}
