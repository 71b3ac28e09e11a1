import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { withoutMeaning } from '../../src/runtime/config-notes.ts';
import { allKeys } from '../../src/runtime/config-schema.ts';
import {
  ConfigError,
  type ConfigSources,
  doorOptions,
  mysqlUrl,
  namedServers,
  nodeOptions,
  readConfig,
  redisUrl,
} from '../../src/runtime/config.ts';
import { TempDir } from '../dev/temp-dir.ts';

const seedFile = fileURLToPath(new URL('./fixtures/seed-config.yaml', import.meta.url));

describe('configuration', () => {
  it('has a default for everything', () => {
    const { config, given, notes } = readConfig({ env: {} });

    expect(config.server).to.deep.include({ host: '127.0.0.1', port: 8088 });
    expect(config.server.rate_limit).to.deep.equal({ requests: 600, window: 10_000 });
    expect(config.server.auth.keys).to.deep.equal([]);
    expect(config.metrics.enabled).to.equal(true);
    expect(redisUrl(config)).to.equal('redis://127.0.0.1:6379/0');
    expect(mysqlUrl(config)).to.equal('mysql://root@127.0.0.1:3306/temjob');
    expect(config.engine.drain_grace).to.equal(25_000);
    expect([...given.keys()]).to.deep.equal([]);
    expect(notes).to.deep.equal([]);
  });

  it('lays the file over the defaults, the environment over the file, and options over both', async () => {
    const { config, given } = await readFrom(
      'server:\n  port: 9000\n  host: localhost\nworker:\n  cancel_grace: 2s\n',
      { TEMJOB__SERVER__PORT: '9001', TEMJOB__NODE__MODULES: './a.ts' },
      [{ name: '--modules', key: 'node.modules', value: ['./b.ts', './c.ts'] }],
    );

    expect(config.server).to.deep.include({ host: 'localhost', port: 9001 });
    expect(config.worker.cancel_grace).to.equal(2_000);
    expect(config.node.modules).to.deep.equal(['./b.ts', './c.ts']);
    expect([...given].map(([key, { origin }]) => `${key} ${origin}`)).to.have.members([
      'server.port TEMJOB__SERVER__PORT',
      'server.host config.yaml:3',
      'worker.cancel_grace config.yaml:5',
      'node.modules --modules',
    ]);
  });

  it('takes an empty section, value or variable for none', async () => {
    const { config } = await readFrom('redis:\nserver:\n  port:\n', { TEMJOB__SERVER__HOST: '' });

    expect(config.server).to.deep.include({ host: '127.0.0.1', port: 8088 });
    expect(redisUrl(config)).to.equal('redis://127.0.0.1:6379/0');
  });

  it('takes numbers, switches and durations as text, too', async () => {
    const { config } = await readFrom(
      'server:\n  port: "9000"\nworker:\n  timeout: 1h30m\n  retry_delay: 250\nmetrics:\n  enabled: "false"\n',
      { TEMJOB__ENGINE__RETENTION: '86400000' },
    );

    expect(config.server.port).to.equal(9_000);
    expect(config.worker).to.deep.include({ timeout: 5_400_000, retry_delay: 250 });
    expect(config.metrics.enabled).to.equal(false);
    expect(config.engine.retention).to.equal(86_400_000);
  });

  it('reads API keys from the file, and as JSON from the environment', async () => {
    const sha256 = 'AB'.repeat(32);
    const wanted = [{ name: 'ci', sha256: 'ab'.repeat(32), scopes: ['read', 'operate'] }];
    const yaml = `server:\n  auth:\n    keys:\n      - {name: ci, sha256: ${sha256}, scopes: [read, operate]}\n`;
    const json = JSON.stringify([{ name: 'ci', sha256, scopes: ['read', 'operate'] }]);

    expect((await readFrom(yaml)).config.server.auth.keys).to.deep.equal(wanted);
    const { config } = readConfig({ env: { TEMJOB__SERVER__AUTH__KEYS: json } });
    expect(config.server.auth.keys).to.deep.equal(wanted);
  });

  it('limits requests where keys are asked for, unless the limit is 0', () => {
    const keys = `[{name: ci, sha256: ${'a'.repeat(64)}, scopes: [read]}]`;

    expect(limitOf({})).to.equal(null);
    expect(limitOf({ TEMJOB__SERVER__AUTH__KEYS: keys })).to.deep.equal({
      requests: 600,
      windowMs: 10_000,
    });
    expect(
      limitOf({ TEMJOB__SERVER__AUTH__KEYS: keys, TEMJOB__SERVER__RATE_LIMIT__REQUESTS: '0' }),
    ).to.equal(null);
  });

  it('reads secrets from the files that *_FILE variables name', async () => {
    await using dir = await TempDir.create();
    const secret = dir.join('password');
    await writeFile(secret, 's3cret/&\n');

    const { config, given } = readConfig({
      env: {
        TEMJOB__DATABASE__MYSQL__PASSWORD_FILE: secret,
        TEMJOB__REDIS__PASSWORD_FILE: secret,
      },
    });

    expect(config.database.mysql.password).to.equal('s3cret/&');
    expect(config.redis.password).to.equal('s3cret/&');
    expect(given.get('redis.password')?.origin).to.equal('TEMJOB__REDIS__PASSWORD_FILE');
    expect(mysqlUrl(config)).to.equal('mysql://root:s3cret%2F%26@127.0.0.1:3306/temjob');
  });

  it('escapes passwords in the URLs that it makes of parts', () => {
    const { config } = readConfig({
      env: { TEMJOB__REDIS__PASSWORD: 'a@b', TEMJOB__DATABASE__MYSQL__PASSWORD: 'p/w' },
    });

    expect(redisUrl(config)).to.equal('redis://:a%40b@127.0.0.1:6379/0');
    expect(mysqlUrl(config)).to.equal('mysql://root:p%2Fw@127.0.0.1:3306/temjob');
  });

  it('knows which servers somebody has named, by a URL, a host or a port', () => {
    expect(named({ TEMJOB__REDIS__PREFIX: 'mine:', TEMJOB__REDIS__URL: '' })).to.deep.equal({});
    expect(named({ TEMJOB__REDIS__URL: 'redis://there' })).to.deep.equal({
      redis: 'redis://there',
    });
    expect(named({ TEMJOB__REDIS__PORT: '7000' })).to.deep.equal({
      redis: 'redis://127.0.0.1:7000/0',
    });
    expect(
      named({ TEMJOB__DATABASE__MYSQL__HOST: 'db', TEMJOB__DATABASE__MYSQL__USER: 'me' }),
    ).to.deep.equal({ mysql: 'mysql://me@db:3306/temjob' });
  });
});

describe('the configuration of TemJob for Go', () => {
  it('is honoured where it has a meaning', () => {
    const { config } = readConfig({ file: seedFile, env: {} });

    expect(nodeOptions(config)).to.deep.include({
      redis: 'redis://localhost:6379/0',
      mysql: 'mysql://root:your_password@localhost:3306/temjob',
      concurrency: 10,
      defaultStartToCloseMs: 1_800_000,
      defaultRetryIntervalMs: 5_000,
      maxWorkflowTimeoutMs: 86_400_000,
    });
    expect(config.logging).to.deep.include({ level: 'info', format: 'json', output: 'stdout' });
    expect(config.server.port).to.equal(8088);
  });

  it('is told which of its keys have no meaning here, where they stand, and what to do', () => {
    const { notes } = readConfig({ file: seedFile, env: {} });

    const places = notes.map((note) => /^(\S+) \(.*seed-config\.yaml:(\d+)\)/.exec(note)?.slice(1));
    expect(places).to.deep.equal([
      ['database.mysql.parse_time', '9'],
      ['database.mysql.loc', '10'],
      ['redis.pool_size', '17'],
      ['server.mode', '21'],
      ['engine.monitor_interval', '29'],
    ]);
    for (const note of notes) expect(note).to.match(/has no meaning here: .+\. Remove the key/);
  });

  it('may have the keys that its README alone knows', async () => {
    const { config, notes } = await readFrom(
      'redis:\n  max_retries: 3\n  min_idle_conns: 5\nlogging:\n  output: file\n  file_path: logs/temjob.log\n' +
        '  max_size: 100\n  max_backups: 7\n  max_age: 30\ndatabase:\n  mysql:\n    charset: latin1\n',
    );

    expect(config.logging).to.deep.include({ file_path: 'logs/temjob.log', max_backups: 7 });
    expect(notes.map((note) => note.split(' ')[0])).to.deep.equal([
      'database.mysql.charset',
      'redis.min_idle_conns',
      'redis.max_retries',
    ]);
  });

  it('is told of log files that are not written because logs go elsewhere', async () => {
    const { notes } = await readFrom(
      'logging:\n  output: stdout\n  file_path: logs/temjob.log\n  max_age: 30\n',
    );

    expect(notes).to.have.length(2);
    expect(notes[0]).to.contain('logging.file_path (config.yaml:3) has no effect');
  });

  it('has no key without meaning that the schema does not have', () => {
    const keys = allKeys().map(({ key }) => key);

    expect(keys).to.include.members(Object.keys(withoutMeaning));
  });
});

describe('a configuration that is wrong', () => {
  it('is told of an unknown key, where it stands, and which one was meant', async () => {
    const problems = await problemsOf('redis:\n  host: there\nworker:\n  concurency: 3\n', {
      TEMJOB__REDIS__HSOT: 'x',
    });

    expect(problems).to.have.members([
      'config.yaml:4: worker.concurency: there is no such key. Did you mean "concurrency"?',
      'TEMJOB__REDIS__HSOT: redis.hsot: there is no such key. Did you mean "host"?',
    ]);
  });

  it('is told of every value at once, with its place', async () => {
    const problems = await problemsOf(
      'server:\n  port: http\n  mode: prod\n  auth:\n    keys:\n' +
        '      - name: ci\n        sha256: tk_1\n        scopes: [read]\n      - name: ops\n',
      { TEMJOB__ENGINE__RETENTION: 'for ever', TEMJOB__WORKER__TIMEOUT: '0' },
      [{ name: '--set', key: 'logging.level', value: 'loud' }],
    );

    expect(problems.join('\n'))
      .to.contain('config.yaml:2: server.port: must be a whole number from 0 to 65535, not "http"')
      .and.contain('config.yaml:3: server.mode: must be one of debug, release, test, not "prod"')
      .and.contain('config.yaml:7: server.auth.keys.0.sha256: must be the SHA-256 of the key')
      .and.contain('config.yaml:9: server.auth.keys.1.sha256: ')
      .and.contain("TEMJOB__ENGINE__RETENTION: engine.retention: 'for ever' is not a duration")
      .and.contain('TEMJOB__WORKER__TIMEOUT: worker.timeout: must be more than zero')
      .and.contain('--set: logging.level: must be one of trace, debug, info');
  });

  it('is told what is no origin and what is no address of a proxy', async () => {
    const problems = await problemsOf(
      'server:\n  allowed_origins: ["*", https://ok.example, https://a.example/path, ops.example]\n' +
        '  trusted_proxies: [10.0.0.0/8, loopback, "::1", 10.0.0.0/40, proxy]\n',
    );

    expect(problems.map((problem) => problem.split(' is no ')[0])).to.deep.equal([
      'config.yaml:2: server.allowed_origins: "*"',
      'config.yaml:2: server.allowed_origins: "https://a.example/path"',
      'config.yaml:2: server.allowed_origins: "ops.example"',
      'config.yaml:3: server.trusted_proxies: "10.0.0.0/40"',
      'config.yaml:3: server.trusted_proxies: "proxy"',
    ]);
  });

  it('is told of a URL that is none, without a word of its password', async () => {
    const problems = await problemsOf('redis:\n  url: redis://me:sec/ret@there\n', {
      TEMJOB__DATABASE__MYSQL__URL: 'postgres://root:hunter22@db/temjob',
    });

    expect(problems[0]).to.contain('database.mysql.url: is no such URL: write it like mysql://');
    expect(problems[1]).to.contain('config.yaml:2: redis.url: is no such URL');
    expect(problems.join()).not.to.match(/ret@|hunter22/);
  });

  it('is told to quote a password that YAML takes for a number', async () => {
    const problems = await problemsOf('database:\n  mysql:\n    password: 0123\n');

    expect(problems).to.deep.equal([
      'config.yaml:3: database.mysql.password: must be text: put it in quotes',
    ]);
  });

  it('is told of a value where a section is needed, and the other way round', async () => {
    expect(await problemsOf('redis: here\n', { TEMJOB__REDIS__HOST: 'x' })).to.deep.equal([
      'TEMJOB__REDIS__HOST: redis is a value elsewhere, and no section',
      'config.yaml:1: redis: Invalid input: expected object, received string',
    ]);
    expect(await problemsOf('redis:\n  host: x\n', { TEMJOB__REDIS: 'y' })).to.deep.equal([
      'TEMJOB__REDIS: redis is a section and takes no value',
    ]);
    expect(await problemsOf('- a\n')).to.deep.equal([
      'config.yaml:1: has to hold sections, like "server:"',
    ]);
  });

  it('is told of a secret that is given twice, and of a file that is not there', async () => {
    const env = {
      TEMJOB__REDIS__PASSWORD: 'x',
      TEMJOB__REDIS__PASSWORD_FILE: '/run/none',
      TEMJOB__DATABASE__MYSQL__URL_FILE: '/run/none',
    };
    const problems = await problemsOf('', env);

    expect(problems[0]).to.equal(
      'TEMJOB__REDIS__PASSWORD_FILE: TEMJOB__REDIS__PASSWORD is set, too; unset one of them',
    );
    expect(problems[1]).to.match(
      /^TEMJOB__DATABASE__MYSQL__URL_FILE: the file cannot be read: ENOENT.*\/run\/none/,
    );
  });

  it('is told that file output needs a file, and that two keys have one name', async () => {
    const key = `{name: ci, sha256: ${'a'.repeat(64)}, scopes: [read]}`;

    expect(
      await problemsOf(`logging:\n  output: file\nserver:\n  auth:\n    keys: [${key}, ${key}]\n`),
    ).to.deep.equal([
      'config.yaml:2: logging.output is file, so logging.file_path has to say which',
      'config.yaml:5: server.auth.keys: two keys have the name "ci"',
    ]);
  });

  it('is told which file cannot be read, and which line is not YAML', async () => {
    await using dir = await TempDir.create();

    expect(() => readConfig({ file: dir.join('none.yaml'), env: {} })).to.throw(
      ConfigError,
      'none.yaml cannot be read: ENOENT',
    );
    expect((await problemsOf('server:\n  port: [\n'))[0]).to.match(
      /^config\.yaml:\d: this is not YAML: /,
    );
  });

  it('warns of a part of an address that a URL of a lower place hides', () => {
    const { notes } = readConfig({
      env: { TEMJOB__REDIS__URL: 'redis://there', TEMJOB__REDIS__HOST: 'here' },
      flags: [{ name: '--set', key: 'redis.port', value: '7000' }],
    });

    expect(notes).to.deep.equal([
      'redis.port (--set) has no effect: redis.url (TEMJOB__REDIS__URL) says it all. Set the URL there, or remove it.',
    ]);
  });
});

function named(env: Record<string, string>) {
  return namedServers(readConfig({ env }).config);
}

/** As if the text were in ./config.yaml. */
async function readFrom(
  yaml: string,
  env: Record<string, string> = {},
  flags: ConfigSources['flags'] = [],
) {
  await using dir = await TempDir.create();
  await writeFile(dir.join('config.yaml'), yaml);
  const before = process.cwd();
  process.chdir(dir.path);
  try {
    return readConfig({ file: 'config.yaml', env, flags });
  } finally {
    process.chdir(before);
  }
}

async function problemsOf(...args: Parameters<typeof readFrom>): Promise<readonly string[]> {
  try {
    await readFrom(...args);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function limitOf(env: NodeJS.ProcessEnv) {
  return doorOptions(readConfig({ env }).config).rateLimit;
}
