import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect } from 'chai';
import { z } from 'zod';

import { TempDir } from '../dev/temp-dir.ts';
import { installedPackage, run } from '../support/installed.ts';

/** What `npm run dev` runs, on a free port. Not through npm, which does not pass every signal on. */
async function startDev(cwd: string): Promise<AsyncDisposable & { readonly url: string }> {
  const { scripts } = packageJson.parse(
    JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')),
  );
  const [program, ...words] = scripts.dev.split(' ');
  expect(program).to.equal('temjob');
  const main = join(cwd, 'node_modules', 'temjob', 'dist', 'src', 'main.js');
  const child = spawn(process.execPath, [main, ...words, '--port', '0', '--nodes', '1'], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const ready = new Promise<string>((found) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /TemJob is ready at (\S+)/.exec(line)?.[1];
      if (url !== undefined) found(url);
    });
  });
  const url = await Promise.race([
    ready,
    exited.then(() => {
      throw new Error('temjob dev has ended');
    }),
  ]);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

const packageJson = z.object({ scripts: z.object({ dev: z.string() }) });

describe('the project that temjob create makes', () => {
  let directory: TempDir;

  before(async function () {
    this.timeout(120_000);
    directory = await TempDir.create();
    const published = await installedPackage();
    const main = join(published.packageDirectory, 'dist', 'src', 'main.js');
    await run(process.execPath, [main, 'create', directory.path], directory.path);
    // The package is not published: its tarball stands for what npm would fetch.
    const { tarball } = published;
    const file = directory.join('package.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"temjob": "\^[\d.]+"/, `"temjob": "file:${tarball}"`));
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], directory.path);
  });

  after(async () => {
    await directory[Symbol.asyncDispose]();
  });

  it('passes its own tests', async () => {
    const said = await run('npm', ['test'], directory.path);
    expect(said)
      .to.match(/pass 2\b/)
      .and.to.match(/fail 0\b/);
  });

  it('has no type error', async () => {
    await run('npm', ['run', 'check'], directory.path);
  });

  it('runs its workflow on a cluster of its own', async function () {
    this.timeout(60_000);
    await using cluster = await startDev(directory.path);
    const said = await run(
      'npx',
      ['temjob', 'run', 'order', '{"order":"42"}', '--watch'],
      directory.path,
      {
        TEMJOB_URL: cluster.url,
      },
    );
    expect(said).to.include('A-7 for receipt-42');
  });
});
