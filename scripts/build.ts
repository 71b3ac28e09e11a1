import { execFile } from 'node:child_process';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, posix, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';

import { build } from 'esbuild';

import { buildWeb } from './build-web.ts';

/*
 * Makes dist/, which is what gets published: src/ and examples/ as JavaScript with declarations, and the console. Node does
 * not strip types below node_modules, so nothing there may be TypeScript; and imports by `#folder/` become relative, so
 * that one package.json serves the checkout and the package.
 */
const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

await Promise.all(
  ['src', 'examples'].map(async (folder) => {
    await rm(join(dist, folder), { recursive: true, force: true });
  }),
);
await Promise.all([emitCode(), emitDeclarations(), buildWeb(), copyStarter()]);

async function emitCode(): Promise<void> {
  const files: string[] = [];
  for await (const file of glob('{src,examples}/**/*.ts', {
    cwd: root,
    exclude: ['examples/starter/**'],
  }))
    files.push(file);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: files,
    outbase: root,
    outdir: dist,
    bundle: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    charset: 'utf8',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    write: false,
  });
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, forDist(text, path));
  }
}

/** What `temjob create` copies, as it is. */
async function copyStarter(): Promise<void> {
  const place = join('examples', 'starter');
  await cp(join(root, place), join(dist, place), {
    recursive: true,
    // Left by somebody who has tried it in its place.
    filter: (file) => !['node_modules', '.temjob', 'package-lock.json'].includes(basename(file)),
  });
}

async function emitDeclarations(): Promise<void> {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', 'tsconfig.build.json'], { cwd: root }).catch(
    (error: unknown) => {
      const said = error instanceof Error && 'stdout' in error ? `:\n${String(error.stdout)}` : '';
      throw new Error(`the declarations could not be made${said}`, { cause: error });
    },
  );
  for await (const name of glob('{src,examples}/**/*.d.ts', { cwd: dist })) {
    const file = join(dist, name);
    await writeFile(file, forDist(await readFile(file, 'utf8'), file));
  }
}

/** Names of TypeScript files in imports and file URLs become those of what is made of them. */
function forDist(text: string, file: string): string {
  const here = relative(dist, dirname(file)).replaceAll(sep, '/');
  return text.replaceAll(
    /(["'])((?:\.{1,2}|#[a-z]+)\/[^"'\n]*)\.ts\1/g,
    (_, quote: string, name: string) => `${quote}${relativeTo(here, name)}.js${quote}`,
  );
}

function relativeTo(here: string, name: string): string {
  if (!name.startsWith('#')) return name;
  const path = posix.relative(here, `src/${name.slice(1)}`);
  return path.startsWith('.') ? path : `./${path}`;
}
