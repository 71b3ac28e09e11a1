import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { freePort } from '#dev/ports.ts';

import { readConfig } from '../../src/runtime/config.ts';
import { TempDir } from '../dev/temp-dir.ts';
import { freshDatabase, freshPrefix, sharedServers } from '../support/servers.ts';
import { temjob } from '../support/temjob.ts';

const seedFile = fileURLToPath(new URL('../runtime/fixtures/seed-config.yaml', import.meta.url));

describe('every command', function () {
  this.timeout(60_000);

  const commands = [
    'dev',
    'start',
    'worker',
    'create',
    'run',
    'list',
    'show',
    'cancel',
    'retry',
    'doctor',
    'migrate',
    'config print',
    'key create',
    'completion',
  ];

  it('is in the help, which tells the exit codes, too', async () => {
    const { code, out } = await temjob(['--help']);

    expect(code).to.equal(0);
    for (const command of commands)
      expect(out).to.match(new RegExp(`^ {2}${command.split(' ')[0]} `, 'm'));
    expect(out)
      .to.match(/^ {2}69 {2}unavailable/m)
      .and.match(/^ {2}78 {2}wrong configuration/m);
  });

  for (const command of commands) {
    it(`teaches ${command} by an example`, async () => {
      const { code, out } = await temjob([...command.split(' '), '--help']);

      expect(code).to.equal(0);
      expect(out).to.match(new RegExp(`\\nExamples?:\\n(?:.*\\n)*? {2}\\$ .*temjob ${command}`));
    });
  }
});

describe('temjob completion', () => {
  for (const [words, offered] of [
    [['te'], []],
    [['ca'], ['cancel']],
    [['list', '--st'], ['--state']],
    [['config', 'p'], ['print']],
    [['config', 'print', '--show'], ['--show-origin']],
  ] as const) {
    it(`lets bash complete temjob ${words.join(' ')}`, async () => {
      const { code, out } = await temjob(['completion', 'bash']);
      expect(code).to.equal(0);

      const { stdout } = await promisify(execFile)('bash', [
        '--norc',
        '-c',
        `${out}\nCOMP_WORDS=(temjob ${words.join(' ')}); COMP_CWORD=${words.length}; _temjob; echo "\${COMPREPLY[*]}"`,
      ]);
      expect(stdout.split(/\s+/).filter(Boolean)).to.deep.equal(offered);
    });
  }

  it('gives the script as JSON, too', async () => {
    const { out } = await temjob(['completion', 'zsh', '--json']);
    const { shell, script }: { shell: string; script: string } = JSON.parse(out);
    expect(shell).to.equal('zsh');
    expect(`${script}\n`).to.equal((await temjob(['completion', 'zsh'])).out);
  });

  it('knows zsh and fish, and no other shell', async () => {
    expect((await temjob(['completion', 'zsh'])).out).to.match(/^autoload -U \+X bashcompinit/);
    expect((await temjob(['completion', 'fish'])).out).to.match(/^complete -c temjob -n/m);
    expect(await temjob(['completion', 'csh'])).to.include({ code: 2, out: '' });
  });
});

// What the project does is the subject of test/examples/starter.test.ts.
describe('temjob create', () => {
  it('makes a project that is named after its directory', async () => {
    await using dir = await TempDir.create();
    const directory = dir.join('My Workflows');
    const { code, out } = await temjob(['create', directory, '--json']);

    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.deep.equal({ directory, name: 'my-workflows' });
    const other = await temjob(['create', dir.join("Bob's")]);
    expect(other.out).to.contain(`\n  cd '${dir.path}/Bob'\\''s'\n`);
    const made: unknown = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
    expect(made).to.deep.include({ name: 'my-workflows', type: 'module' });
    expect(await readdir(directory)).to.include.members(['.gitignore', 'src', 'test']);
  });

  it('leaves alone what is there', async () => {
    await using dir = await TempDir.create();
    await writeFile(dir.join('package.json'), '{}');
    const { code, err } = await temjob(['create', dir.path]);

    expect(code).to.equal(2);
    expect(err)
      .to.contain('is not empty')
      .and.not.match(/^ +at /m);
    expect(await readdir(dir.path)).to.deep.equal(['package.json']);
  });
});

describe('temjob config print', function () {
  this.timeout(30_000);

  it('shows where each value comes from, and no secret', async () => {
    await using dir = await TempDir.create();
    await writeFile(dir.join('password'), 'hunter22\n');
    const { code, out, err } = await temjob(
      ['config', 'print', '--config', seedFile, '--show-origin', '--set', 'server.port=9000'],
      { env: { TEMJOB__REDIS__DB: '3', TEMJOB__REDIS__PASSWORD_FILE: dir.join('password') } },
    );

    expect(code).to.equal(0);
    const rows = out.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(rows).to.deep.include.members([
      ['KEY', 'VALUE', 'ORIGIN'],
      ['server.port', '9000', '--set server.port'],
      ['redis.db', '3', 'TEMJOB__REDIS__DB'],
      ['redis.password', '[hidden]', 'TEMJOB__REDIS__PASSWORD_FILE'],
      ['database.mysql.password', '[hidden]', `${seedFile}:6`],
      ['worker.timeout', '30m', `${seedFile}:25`],
      ['engine.retention', '30d', 'default'],
    ]);
    expect(out).not.to.match(/hunter22|your_password/);
    expect(err).to.match(/^! redis\.pool_size \(.*:17\) has no meaning here/m);
  });

  it('has a row for each key as JSON', async () => {
    const { code, out } = await temjob(['config', 'print', '--json'], {
      env: { TEMJOB__NODE__MODULES: './a.ts,./b.ts' },
    });

    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.deep.include.members([
      { key: 'node.modules', value: ['./a.ts', './b.ts'], origin: 'TEMJOB__NODE__MODULES' },
      { key: 'logging.format', value: 'json', origin: 'default' },
      { key: 'worker.threads', value: null, origin: 'default' },
    ]);
  });

  it('ends with 78 when it cannot be used, and says every problem', async () => {
    const { code, out, err } = await temjob(
      ['config', 'print', '--json', '--set', 'server.prt=1'],
      { env: { TEMJOB__WORKER__THREADS: '0' } },
    );

    expect({ code, out }).to.deep.equal({ code: 78, out: '' });
    const { error }: { error: { code: string; message: string } } = JSON.parse(err);
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.message)
      .to.contain('--set server.prt: server.prt: there is no such key. Did you mean "port"?')
      .and.contain('TEMJOB__WORKER__THREADS: worker.threads: must be a whole number from 1');
  });
});

describe('temjob key create', () => {
  it('makes a key whose hash the configuration takes', async () => {
    await using dir = await TempDir.create();
    const { code, out } = await temjob([
      'key',
      'create',
      '--name',
      'ci',
      '--scopes',
      'read,operate',
    ]);

    expect(code).to.equal(0);
    const key = /^ {2}(tk_\S{43})$/m.exec(out)?.[1] ?? '';
    await writeFile(dir.join('c.yaml'), out.slice(out.indexOf('server:')));
    const { config } = readConfig({ file: dir.join('c.yaml'), env: {} });
    expect(config.server.auth.keys).to.deep.equal([
      {
        name: 'ci',
        sha256: createHash('sha256').update(key).digest('hex'),
        scopes: ['read', 'operate'],
      },
    ]);
  });

  it('makes another one each time', async () => {
    const made = await Promise.all(
      [1, 2].map(async () => {
        const { out } = await temjob(['key', 'create', '--name', 'x', '--json']);
        const { key, scopes }: { key: string; scopes: string[] } = JSON.parse(out);
        expect(scopes).to.deep.equal(['operate']);
        return key;
      }),
    );

    expect(made[0]).not.to.equal(made[1]);
  });

  it('refuses a scope that is none, and a name that would not do', async () => {
    const scope = await temjob(['key', 'create', '--name', 'x', '--scopes', 'root']);
    const name = await temjob(['key', 'create', '--name', 'a b']);

    expect(scope).to.include({ code: 2, out: '' });
    expect(scope.err).to.contain('"root" is no scope; those are read, operate, admin');
    expect(name).to.include({ code: 2, out: '' });
  });
});

describe('temjob migrate', function () {
  this.timeout(60_000);

  it('brings a new database to the schema, and one that has it to nothing', async () => {
    const servers = await sharedServers();
    const env = { TEMJOB__DATABASE__MYSQL__URL: await freshDatabase(servers) };

    const first = await temjob(['migrate', '--json'], { env });
    const second = await temjob(['migrate'], { env });

    expect(first, first.err).to.include({ code: 0 });
    expect(JSON.parse(first.out)).to.have.property('applied').that.includes('0001-initial');
    expect(second).to.deep.equal({ code: 0, out: 'the schema is up to date\n', err: '' });
  });

  it('says, as the doctor does, how to make a database that is not there', async () => {
    const { mysql } = await sharedServers();
    const url = new URL(mysql);
    url.pathname = '/not_there';
    const env = { TEMJOB__DATABASE__MYSQL__URL: url.href };

    const migrating = await temjob(['migrate'], { env });
    const doctor = await temjob(['doctor'], { env });

    const remedy = 'create it first: CREATE DATABASE `not_there`';
    expect(migrating).to.include({ code: 69, out: '' });
    expect(migrating.err).to.contain(remedy);
    expect(doctor.out).to.contain(remedy).and.not.contain('Start it');
  });

  it('ends with 69 when MySQL does not answer, and with 78 when none is named', async () => {
    const port = await freePort(0);
    const url = `mysql://root:hunter22@127.0.0.1:${port}/temjob`;

    const away = await temjob(['migrate'], { env: { TEMJOB__DATABASE__MYSQL__URL: url } });
    const none = await temjob(['migrate']);

    expect(away).to.include({ code: 69, out: '' });
    expect(away.err).to.match(/^temjob: cannot use MySQL at 127\.0\.0\.1:\d+, .*ECONNREFUSED/);
    expect(away.err).not.to.contain('hunter22');
    expect(none).to.include({ code: 78, out: '' });
    expect(none.err).to.contain('no server is named').and.contain('temjob dev');
  });
});

describe('temjob doctor', function () {
  this.timeout(60_000);

  it('finds all well on servers that are', async () => {
    const servers = await sharedServers();
    const env = {
      TEMJOB__REDIS__URL: servers.redis,
      TEMJOB__REDIS__PREFIX: freshPrefix(),
      TEMJOB__DATABASE__MYSQL__URL: servers.mysql,
      TEMJOB__SERVER__PORT: String(await freePort(0)),
      TEMJOB__NODE__MODULES: fileURLToPath(new URL('../../examples/index.ts', import.meta.url)),
    };

    const { code, out } = await temjob(['doctor'], { env });

    expect(code, out).to.equal(0);
    for (const line of [
      /^✔ Node\.js +2\d\.\d+\.\d+$/m,
      /^✔ MySQL .* answers at /m,
      /^✔ MySQL .*max_allowed_packet is \d+ MiB$/m,
      /^✔ Clock .* differ by \d+ ms$/m,
      /^✔ Redis .*maxmemory-policy is noeviction$/m,
      /^✔ Redis .*append-only file$/m,
      /^✔ Port .* is free$/m,
      /^✔ Modules .*examples\/index\.ts$/m,
      /^. Disk .* GiB are free at /m,
      /^All is well\.$/m,
    ]) {
      expect(out).to.match(line);
    }
  });

  it('fails on what is wrong, and says how to mend it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    const port = String(await freePort(0));
    const env = {
      TEMJOB__REDIS__URL: `redis://:hunter22@127.0.0.1:${port}`,
      TEMJOB__DATABASE__MYSQL__HOST: '127.0.0.1',
      TEMJOB__DATABASE__MYSQL__PORT: port,
      TEMJOB__DATABASE__MYSQL__PASSWORD: 'hunter22',
      TEMJOB__SERVER__PORT: String(taken),
      TEMJOB__NODE__MODULES: './nowhere.ts',
    };

    const { code, out } = await temjob(['doctor', '--json'], { env });
    other.close();

    expect(code).to.equal(1);
    const { well, findings }: { well: boolean; findings: { state: string; detail: string }[] } =
      JSON.parse(out);
    expect(well).to.equal(false);
    const wrong = findings.filter(({ state }) => state === 'wrong').map(({ detail }) => detail);
    expect(wrong).to.have.length(4);
    expect(wrong[0]).to.match(
      /does not answer at 127\.0\.0\.1:.*ECONNREFUSED.*Start it, or correct/,
    );
    expect(wrong[1]).to.match(/Redis does not answer at redis:\/\/127\.0\.0\.1:/);
    expect(wrong[2]).to.match(/is in use by another program: end it, or set server\.port/);
    expect(wrong[3]).to.match(/nowhere\.ts is not there: correct node\.modules/);
    expect(out).not.to.contain('hunter22');
  });

  it('fails on a configuration that is wrong, and on a door without keys that others can reach', async () => {
    const wrong = await temjob(['doctor', '--set', 'redis.hsot=x']);
    const open = await temjob(['doctor', '--set', 'server.host=0.0.0.0']);

    expect(wrong.code).to.equal(1);
    expect(wrong.out).to.match(/^✘ Configuration .*redis\.hsot: there is no such key/m);
    expect(open.code).to.equal(1);
    expect(open.out).to.match(/^✘ Port .*no key is asked for: add one to server\.auth\.keys/m);
  });
});
