import { cp, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { expect } from 'chai';

import { TempDir } from '../dev/temp-dir.ts';
import { installedPackage, run } from '../support/installed.ts';

const template = resolve(import.meta.dirname, '..', '..', 'examples', 'starter');

describe('the starter', () => {
  let directory: TempDir;

  before(async function () {
    this.timeout(120_000);
    directory = await TempDir.create();
    await cp(template, directory.path, { recursive: true });
    // The package is not published: its tarball stands for what npm would fetch.
    const { tarball } = await installedPackage();
    const file = directory.join('package.json');
    const manifest = await readFile(file, 'utf8');
    await writeFile(file, manifest.replace(/"temjob": "\^[\d.]+"/, `"temjob": "file:${tarball}"`));
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
});
