import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { findProgram } from '#dev/binaries.ts';

import { TempDir } from './temp-dir.ts';

describe('scripts/setup.sh', () => {
  it('says and does nothing, in less than 0.3 s, when all is there', async () => {
    await using clone = await Clone.create();
    await clone.program('valkey-server');
    await clone.program('mysqld');

    const runs = [await clone.setUp(), await clone.setUp(), await clone.setUp()];

    expect(runs.map(({ code, output }) => `${code}${output}`)).to.deep.equal(['0', '0', '0']);
    // The best one: the machine may be busy with other things.
    expect(Math.min(...runs.map(({ ms }) => ms))).to.be.below(300);
    expect(existsSync(clone.join('.temjob'))).to.equal(false);
  });

  it('prints what is missing and how to get it, and exits with 78, where it cannot install it', async () => {
    await using clone = await Clone.create();

    const { code, output } = await clone.setUp();

    expect(code).to.equal(78);
    expect(output).to.match(/missing: a Redis server .*, a MySQL server/);
    expect(output).to.match(/To fix it, run:\n.*install a Redis.*\n.*TEMJOB__REDIS__URL=/s);
    expect(existsSync(clone.join('.temjob/setup.lock'))).to.equal(false);
  });

  it('prints the command of the package manager that the platform has', async () => {
    await using clone = await Clone.create();
    await clone.program('dnf');
    await clone.program('redis-server');

    const { code, output } = await clone.setUp();

    expect(code).to.equal(78);
    expect(output).to.contain('sudo dnf install -y valkey mariadb-server\n');
    expect(output).not.to.contain('missing: a Redis');
  });

  it('asks for no server whose URL is configured', async () => {
    await using clone = await Clone.create();
    const redis = { TEMJOB__REDIS__URL: 'redis://there' };
    const mysql = { TEMJOB__DATABASE__MYSQL__URL: 'mysql://there' };

    expect((await clone.setUp([], { ...redis, ...mysql })).code).to.equal(0);
    expect((await clone.setUp([], redis)).output).to.match(/missing: a MySQL server [^,]*\.\n/);
  });

  it('asks for a browser only when it is told to', async () => {
    await using clone = await Clone.create();
    await clone.program('redis-server');
    await clone.program('mariadbd');

    const without = await clone.setUp();
    const withIt = await clone.setUp(['--with-browser']);
    await clone.program('chromium');
    const then = await clone.setUp(['--with-browser']);

    expect([without.code, withIt.code, then.code]).to.deep.equal([0, 78, 0]);
    expect(withIt.output).to.contain('missing: Chromium.');
  });

  it('installs the npm packages when the lockfile is newer, once for two who come together', async () => {
    await using clone = await Clone.create();
    await clone.program('redis-server');
    await clone.program('mariadbd');
    await clone.program('npm', 'echo "npm $*" >>npm-calls; sleep 0.2');
    const later = new Date(Date.now() + 1_000);
    await utimes(clone.join('package-lock.json'), later, later);
    await clone.program('touch', `exec ${findProgram(['touch'])} -d "+2 seconds" "$@"`);

    const runs = await Promise.all([clone.setUp(), clone.setUp()]);
    const again = await clone.setUp();

    expect(runs.map(({ code }) => code)).to.deep.equal([0, 0]);
    expect(again.output).to.equal('');
    expect(await readFile(clone.join('npm-calls'), 'utf8')).to.match(/^npm ci [^\n]*\n$/);
  });

  it('takes over the lock of a set-up that was killed', async () => {
    await using clone = await Clone.create();
    const gone = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' });
    await mkdir(clone.join('.temjob/setup.lock'), { recursive: true });
    await writeFile(clone.join('.temjob/setup.lock/pid'), gone);

    expect((await clone.setUp()).code).to.equal(78);
    expect(existsSync(clone.join('.temjob/setup.lock'))).to.equal(false);
  });
});

/** A directory with the script and what it looks at, and a PATH with nothing but what a bare machine has. */
class Clone implements AsyncDisposable {
  readonly #dir: TempDir;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async create(): Promise<Clone> {
    const clone = new Clone(await TempDir.create());
    for (const folder of ['scripts', 'node_modules', 'bin']) await mkdir(clone.join(folder));
    const script = fileURLToPath(new URL('../../scripts/setup.sh', import.meta.url));
    await copyFile(script, clone.join('scripts/setup.sh'));
    await writeFile(clone.join('package-lock.json'), '{}');
    await writeFile(clone.join('node_modules/.package-lock.json'), '{}');
    const bare = 'sh dirname mkdir id uname cat rm mv ls sleep tr grep touch'.split(' ');
    for (const name of bare) {
      const path = findProgram([name]);
      if (path !== undefined) await symlink(path, clone.join('bin', name));
    }
    return clone;
  }

  join(...names: string[]): string {
    return this.#dir.join(...names);
  }

  async program(name: string, body = 'exit 0'): Promise<void> {
    const path = this.join('bin', name);
    // Not through the link, into the machine's own program.
    await rm(path, { force: true });
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
  }

  async setUp(args: readonly string[] = [], env: Record<string, string> = {}) {
    const since = performance.now();
    return await new Promise<{ code: number; output: string; ms: number }>((resolve) => {
      const child = execFile(
        'sh',
        [this.join('scripts/setup.sh'), ...args],
        {
          // Of the usual places it sees none: the servers of this machine are in them.
          env: { PATH: this.join('bin'), HOME: this.#dir.path, TEMJOB_SETUP_PLACES: '', ...env },
        },
        (_, stdout, stderr) => {
          const ms = performance.now() - since;
          resolve({ code: child.exitCode ?? -1, output: stdout + stderr, ms });
        },
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir[Symbol.asyncDispose]();
  }
}
