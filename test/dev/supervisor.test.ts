import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

import { expect } from 'chai';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

import { freePort } from '#dev/ports.ts';
import { startPrivateServers } from '#dev/private-servers.ts';
import { isProcessIdentity } from '#dev/processes.ts';

import { running, Script, survivors } from './script.ts';
import { TempDir } from './temp-dir.ts';

describe('development mode', function () {
  // Real servers are started over and over, perhaps beside other work.
  this.timeout(90_000);

  it('starts servers and three nodes, and says once that it is ready', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/Cluster +3 nodes {2}a·b·c/);

    const a = await ask(dev, 'a');
    const b = await ask(dev, 'b');

    expect(dev.output).to.match(/✔ (Redis|Valkey) .*first run: created/);
    expect(dev.output).to.match(/✔ MariaDB|✔ MySQL/);
    expect(dev.output.match(/^TemJob is ready at http:\/\/localhost:\d+$/gm)).to.have.length(1);
    expect(a).to.include({ name: 'a', samples: 'first-start' });
    expect(b).to.include({ name: 'b', samples: '' });
    expect(a.argv).to.deep.equal(['start']);
  });

  it('stops nodes before servers and exits with 0 when Ctrl-C goes to the whole group', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/Cluster/);
    const processes = await everybody(dev, dir);

    dev.pressCtrlC();

    expect(await dev.exit).to.equal(0);
    expect(await survivors(processes)).to.deep.equal([]);
    expect(await tracks(dir)).to.have.members([
      'a started',
      'b started',
      'c started',
      // Written as the last thing of each node, into servers that were still there.
      'a stopped',
      'b stopped',
      'c stopped',
    ]);
    expect((await readdir(dir.path)).filter((name) => name.startsWith('lock'))).to.deep.equal([]);
  });

  it('takes the Ctrl-C that npm passes on for the one of the terminal', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/Cluster/);

    dev.pressCtrlC();
    dev.pressCtrlC();

    expect(await dev.exit).to.equal(0);
    expect(await tracks(dir)).to.include.members(['a stopped', 'b stopped', 'c stopped']);
  });

  it('keeps the state from one start to the next', async () => {
    await using dir = await TempDir.create();
    for (const _ of ['first', 'second']) {
      await using dev = await start(dir);
      await dev.prints(/TemJob is ready/);
      dev.pressCtrlC();
      await dev.exit;
    }

    expect((await tracks(dir)).filter((track) => track === 'a started')).to.have.length(2);
  });

  it('begins anew with --reset', async () => {
    await using dir = await TempDir.create();
    for (const options of [[], ['--reset']]) {
      await using dev = await start(dir, {}, portFor(dir), options);
      await dev.prints(/Cluster/);
      expect(dev.output).to.match(/✔ (MariaDB|MySQL) .*first run: created/);
      expect((await ask(dev, 'a')).tracks).to.have.members(['a started', 'b started', 'c started']);
      dev.pressCtrlC();
      await dev.exit;
    }
  });

  it('does not empty servers that are not its own', async () => {
    await using dir = await TempDir.create();
    await using servers = await startPrivateServers({ dataDir: dir.join('theirs') });
    const env = { TEMJOB__REDIS__URL: servers.urls.redis };

    await using dev = await start(dir, env, portFor(dir), ['--reset']);

    expect(await dev.exit).to.equal(2);
    expect(dev.output).to.match(/--reset empties private servers, and these are yours/);
  });

  it('tells all of it as JSON for programs', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir, {}, portFor(dir), ['--json']);
    await dev.prints(/"what":"Cluster"/);
    dev.pressCtrlC();
    await dev.exit;

    const facts = dev.output
      .trim()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line));
    const [ready, ...more] = facts.filter(({ type }) => type === 'ready');
    expect(ready?.['url']).to.match(/^http:\/\/localhost:\d+$/);
    expect(more).to.be.empty;
    expect(facts.at(-1)).to.deep.equal({ type: 'note', text: 'Stopped.' });
  });

  it('ends at once at a second Ctrl-C while a node hangs', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir, { FIXTURE_HANGS: 'a' });
    await dev.prints(/Cluster/);
    const processes = await everybody(dev, dir);

    // A user who presses it again and again: nobody may wait for the 30 s of a hanging node.
    const impatience = setInterval(() => dev.pressCtrlC(), 200);
    const code = await dev.exit.finally(() => clearInterval(impatience));

    expect(code).to.equal(130);
    expect(await survivors(processes)).to.deep.equal([]);
  });

  it('leaves no process when it is killed', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/Cluster/);
    const processes = await everybody(dev, dir);
    expect(processes).to.have.length(5);

    dev.kill();

    expect(await survivors(processes)).to.deep.equal([]);
  });

  it('starts on a directory whose last supervisor was killed a moment ago', async () => {
    await using dir = await TempDir.create();
    await using killed = await start(dir);
    await killed.prints(/Cluster/);
    killed.kill();
    await killed.exit;

    await using dev = await start(dir);
    await dev.prints(/TemJob is ready/);

    dev.pressCtrlC();
    expect(await dev.exit).to.equal(0);
  });

  it('refuses a second start on its directory', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/TemJob is ready/);

    await using second = await start(dir);

    expect(await second.exit).to.equal(1);
    expect(second.output).to.match(
      new RegExp(`in use by TemJob process ${dev.pid}.*To fix it, stop`),
    );
  });

  it('starts a node again that was killed', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/Cluster/);
    const before = await ask(dev, 'b');

    process.kill(before.pid, 'SIGKILL');
    await dev.prints(/Node b has died.*SIGKILL[^]*✔ Node b /);

    expect((await ask(dev, 'b')).pid).not.to.equal(before.pid);
  });

  it('restarts its nodes one by one, the last first, when code is saved that they have imported', async () => {
    await using dir = await TempDir.create();
    await using code = await TempDir.create();
    const file = code.join('orders.ts');
    await writeFile(file, 'first');
    await using dev = await start(dir, { FIXTURE_CODE: file });
    await dev.prints(/Cluster/);
    const before = await everyNode(dev);

    await writeFile(file, 'second');
    await dev.prints(/orders.ts saved[^]*Node c[^]*Node b[^]*Node a[^]*✔ Reloaded +3 nodes/);
    const after = await everyNode(dev);

    expect(after.filter(({ pid }) => before.some((old) => old.pid === pid))).to.be.empty;
    // In order: each had handed over before the next one was asked to.
    expect(after[0]?.tracks.slice(3)).to.deep.equal([
      'c stopped',
      'c started',
      'b stopped',
      'b started',
      'a stopped',
      'a started',
    ]);
    expect(dev.output).not.to.include('died');
  });

  it('keeps the nodes that run when what is saved does not start, says why once, and goes on with the next save', async () => {
    await using dir = await TempDir.create();
    await using code = await TempDir.create();
    const file = code.join('orders.ts');
    await writeFile(file, 'first');
    await using dev = await start(dir, { FIXTURE_CODE: file });
    await dev.prints(/Cluster/);
    const before = await everyNode(dev);

    await writeFile(file, 'broken');
    await dev.prints(/Node c has died.*cannot read broken[^]*Node c does not start with what was/);
    for (const name of ['a', 'b']) {
      expect((await ask(dev, name)).pid).to.equal(before.find((one) => one.name === name)?.pid);
    }
    await writeFile(file, 'third');
    await dev.prints(/✔ Reloaded +3 nodes/);

    expect(dev.output.match(/cannot read broken/g)).to.have.length(1);
    const after = await everyNode(dev);
    expect(after.filter(({ pid }) => before.some((old) => old.pid === pid))).to.be.empty;
  });

  it('starts a private server again that was killed', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir);
    await dev.prints(/TemJob is ready/);

    process.kill(await pidOf(dir, 'mysql'), 'SIGKILL');
    await dev.prints(/MySQL server has ended unexpectedly[^]*✔ MySQL +answers again/);

    expect((await ask(dev, 'a')).tracks).to.include('a started');
  });

  it('moves on to the next free port, and says so', async () => {
    await using dir = await TempDir.create();
    const port = await freePort(portFor(dir));
    const other = createServer().listen(port, '127.0.0.1');

    await using dev = await start(dir, {}, port);
    const [, ready] = await dev.prints(/TemJob is ready at http:\/\/localhost:(\d+)/);
    other.close();

    expect(Number(ready)).to.be.greaterThan(port);
    expect(dev.output).to.contain(`Port ${port} is in use, so node a listens on ${ready}`);
  });

  it('ends with an error when a configured server does not answer, and starts none in its place', async () => {
    await using dir = await TempDir.create();
    const redis = `redis://user:secret@127.0.0.1:${await freePort(portFor(dir))}`;

    await using dev = await start(dir, { TEMJOB__REDIS__URL: redis });

    expect(await dev.exit).to.equal(69);
    expect(dev.output).to.match(/cannot use the Redis server at redis:.*ECONNREFUSED.*To fix it/);
    expect(dev.output).not.to.match(/secret|✔/);
    expect(await readdir(dir.path)).to.deep.equal([]);
  });

  it('ends with an error when a configured MySQL server does not answer', async () => {
    await using dir = await TempDir.create();
    const mysql = `mysql://user:secret@127.0.0.1:${await freePort(portFor(dir))}/temjob`;

    await using dev = await start(dir, { TEMJOB__DATABASE__MYSQL__URL: mysql });

    expect(await dev.exit).to.equal(69);
    expect(dev.output).to.match(/cannot use the MySQL server at mysql:.*ECONNREFUSED.*To fix it/);
    expect(dev.output).not.to.match(/secret|✔/);
  });

  it('uses configured servers and leaves them running', async () => {
    await using dir = await TempDir.create();
    await using servers = await startPrivateServers({ dataDir: dir.join('theirs') });
    const env = {
      TEMJOB__REDIS__URL: servers.urls.redis,
      TEMJOB__DATABASE__MYSQL__URL: servers.urls.mysql,
    };

    await using dev = new Script('dev', { args: [dir.join('ours'), String(portFor(dir))], env });
    await dev.prints(/TemJob is ready/);
    dev.pressCtrlC();
    await dev.exit;

    const { redis = 0, mysql = 0 } = servers.pids;
    expect(dev.output).to.match(/✔ Redis +configured, answers/);
    expect(running([redis, mysql])).to.have.length(2);
    expect(await readdir(dir.join('ours'))).not.to.include('redis');
  });

  it('ends with the reason when the first node cannot start, and takes the servers with it', async () => {
    await using dir = await TempDir.create();

    await using dev = await start(dir, { FIXTURE_FAILS: 'a' });

    expect(await dev.exit).to.equal(1);
    expect(dev.output).to.contain('node a could not start: no luck for a today');
    expect((await readdir(dir.path)).filter((name) => /^lock|pid$/.test(name))).to.deep.equal([]);
  });

  it('counts a node that came up at its second try', async () => {
    await using dir = await TempDir.create();
    await using luck = await TempDir.create();
    await writeFile(luck.join('none'), '');
    await using dev = await start(dir, { FIXTURE_FAILS_ONCE: luck.join('none') });

    await dev.prints(/✔ Cluster +3 nodes/);
    expect(dev.output).to.match(/Node b has died.*no luck for b yet/);
  });

  it('is ready though another node cannot start', async () => {
    await using dir = await TempDir.create();
    await using dev = await start(dir, { FIXTURE_FAILS: 'b' });

    // In any order: the nodes start together.
    await dev.prints(/TemJob is ready/);
    await dev.prints(/Node b has died.*no luck for b today/);
    await dev.prints(/✔ Node c/);

    expect(dev.output).not.to.contain('Cluster');
  });
});

/** Different runs of the tests, and of others on this machine, look for ports at different places. */
function portFor(dir: TempDir): number {
  const spread = Array.from(dir.path).reduce(
    (sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_521,
    7,
  );
  return 20_000 + (spread % 10_000);
}

async function start(
  dir: TempDir,
  env: Record<string, string> = {},
  port = portFor(dir),
  options: readonly string[] = [],
): Promise<Script> {
  // What is configured for the tests is not meant for it.
  const none = { TEMJOB__REDIS__URL: '', TEMJOB__DATABASE__MYSQL__URL: '' };
  return new Script('dev', {
    args: [dir.path, String(port), ...options],
    env: { ...none, ...env },
  });
}

interface Answer {
  readonly name: string;
  readonly pid: number;
  readonly samples: string;
  readonly argv: readonly string[];
  readonly tracks: readonly string[];
}

async function ask(dev: Script, node: string): Promise<Answer> {
  const nodes = [...dev.output.matchAll(/✔ Node (\w) +(http:\/\/localhost:\d+)/g)];
  const url = nodes.find(([, name]) => name === node)?.[2] ?? '';
  const response = await fetch(url);
  return answerOf(await response.json());
}

function answerOf(value: unknown): Answer {
  if (isAnswer(value)) return value;
  throw new Error(`not the answer of a node: ${JSON.stringify(value)}`);
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'argv' in value && 'pid' in value;
}

async function everyNode(dev: Script): Promise<readonly Answer[]> {
  return await Promise.all(['a', 'b', 'c'].map(async (name) => await ask(dev, name)));
}

/** The nodes and the servers. */
async function everybody(dev: Script, dir: TempDir) {
  const nodes = await everyNode(dev);
  const servers = [await pidOf(dir, 'redis'), await pidOf(dir, 'mysql')];
  return running([...nodes.map(({ pid }) => pid), ...servers]);
}

async function pidOf(dir: TempDir, server: 'redis' | 'mysql'): Promise<number> {
  const identity: unknown = JSON.parse(await readFile(dir.join(`${server}.pid`), 'utf8'));
  return isProcessIdentity(identity) ? identity.pid : 0;
}

/** What the nodes have left in the database, read when all is stopped. */
async function tracks(dir: TempDir): Promise<readonly unknown[]> {
  await using servers = await startPrivateServers({ dataDir: dir.path });
  const connection = await createConnection(servers.urls.mysql);
  const [rows] = await connection.query<RowDataPacket[]>('SELECT track FROM tracks ORDER BY id');
  connection.destroy();
  return rows.map((row) => row['track']);
}
