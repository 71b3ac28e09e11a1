import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { build, type Metafile } from 'esbuild';

import { buildDocsPage } from './build-docs-page.ts';

const root = resolve(import.meta.dirname, '..');
const sources = join(root, 'web');
const target = join(root, 'dist', 'web');
/** The folder of the page of the API. */
const docs = 'docs';
/** Besides web/ itself, what the bundle is made of. */
const otherSources = [
  'src/http/live-picture.ts',
  'src/http/live-protocol.ts',
  'src/http/console-paths.ts',
  'package-lock.json',
  'scripts/build-web.ts',
  'scripts/build-docs-page.ts',
];

/** Bundles the console into dist/web, under names that carry the hash of their content. */
export async function buildWeb(): Promise<void> {
  const result = await build({
    entryPoints: [
      join(sources, 'main.ts'),
      join(sources, 'parts', 'layout-worker.ts'),
      join(sources, 'styles', 'main.css'),
    ],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    // Pages, languages and the chart are chunks that are loaded when they are first needed.
    splitting: true,
    outdir: target,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    legalComments: 'none',
    charset: 'utf8',
    metafile: true,
    write: false,
    absWorkingDir: root,
  });
  let page = await readFile(join(sources, 'index.html'), 'utf8');
  const names = ['index.html', 'icon.svg', docs];
  await mkdir(target, { recursive: true });
  for (const file of result.outputFiles) {
    const name = basename(file.path);
    names.push(name);
    page = page.replace(`{${name.replace(/-[A-Z0-9]+(?=\.\w+$)/, '')}}`, `/assets/${name}`);
    await put(name, file.contents);
  }
  page = page.replace('{preload}', preloads(result.metafile));
  await buildDocsPage(join(target, docs));
  await put('icon.svg', await readFile(join(sources, 'icon.svg')));
  // Last, because it names the others: who reads it finds them.
  await put('index.html', page);
  for (const name of await readdir(target)) {
    if (!names.includes(name)) await rm(join(target, name), { force: true });
  }
}

/** What main.js imports is asked for together with it rather than after it. */
function preloads({ outputs }: Metafile): string {
  const main = Object.values(outputs).find(({ entryPoint }) => entryPoint === 'web/main.ts');
  return (main?.imports ?? [])
    .filter(({ kind }) => kind === 'import-statement')
    .map(({ path }) => `<link rel="modulepreload" href="/assets/${basename(path)}" />`)
    .join('\n    ');
}

export async function buildWebWhenStale(): Promise<void> {
  const page = join(target, 'index.html');
  if (existsSync(page)) {
    const built = (await stat(page)).mtimeMs;
    const changed = await Promise.all(
      (await sourceFiles()).map(async (file) => (await stat(file)).mtimeMs),
    );
    if (changed.every((at) => at <= built)) return;
  }
  await buildWeb();
}

async function sourceFiles(): Promise<readonly string[]> {
  const inWeb = await readdir(sources, { recursive: true, withFileTypes: true });
  return [
    ...inWeb.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
    ...otherSources.map((file) => join(root, file)).filter((file) => existsSync(file)),
  ];
}

// Whole or not at all: the nodes of a cluster may build at the same time.
async function put(name: string, content: string | Uint8Array): Promise<void> {
  const draft = join(target, `.${process.pid}-${name}`);
  await writeFile(draft, content);
  await rename(draft, join(target, name));
}

if (import.meta.main) await buildWeb();
