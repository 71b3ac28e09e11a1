import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';

import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

import { type PrivateServers, type ServerStep, startPrivateServers } from '#dev/private-servers.ts';

import { running, Script, survivors } from './script.ts';
import { TempDir } from './temp-dir.ts';

describe('private servers', function () {
  // Real servers are started over and over, perhaps beside other work.
  this.timeout(90_000);

  it('keep their data from one start to the next', async () => {
    await using dir = await TempDir.create();
    const steps: ServerStep[] = [];
    const options = { dataDir: dir.path, onStep: (step: ServerStep) => steps.push(step) };
    {
      await using servers = await startPrivateServers(options);
      await write(servers, 'kept');
    }
    await using servers = await startPrivateServers(options);

    expect(await read(servers)).to.deep.equal({ redis: 'kept', mysql: 'kept' });
    expect(steps.map(({ created }) => created)).to.deep.equal([true, true, false, false]);
  });

  it('keep what was acknowledged before they are killed', async () => {
    await using dir = await TempDir.create();
    await using servers = await startPrivateServers({ dataDir: dir.path });
    await write(servers, 'acknowledged');

    await servers.kill('mysql');
    await servers.restart('mysql');

    expect((await read(servers)).mysql).to.equal('acknowledged');
  });

  it('start with the settings on which the promises of the runtime rest', async () => {
    await using dir = await TempDir.create();
    await using servers = await startPrivateServers({ dataDir: dir.path });
    const redis = new Redis(servers.urls.redis);
    const connection = await createConnection(servers.urls.mysql);

    const policy = await redis.config('GET', 'maxmemory-policy');
    const append = await redis.config('GET', 'appendonly');
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT @@innodb_flush_log_at_trx_commit AS flush, @@max_allowed_packet AS packet, @@log_bin AS binlog',
    );
    redis.disconnect();
    connection.destroy();

    expect(policy).to.deep.equal(['maxmemory-policy', 'noeviction']);
    expect(append).to.deep.equal(['appendonly', 'yes']);
    expect(rows).to.deep.equal([{ flush: 1, packet: 64 * 1024 * 1024, binlog: 0 }]);
  });

  it('listen on no TCP port', async function () {
    // The sockets of a process can be read from /proc alone.
    if (process.platform !== 'linux') this.skip();
    await using dir = await TempDir.create();
    await using servers = await startPrivateServers({ dataDir: dir.path });
    const { redis, mysql } = servers.pids;

    expect(await tcpSockets(redis)).to.deep.equal([]);
    expect(await tcpSockets(mysql)).to.deep.equal([]);
  });

  it('run side by side, each with its own data', async () => {
    await using dir = await TempDir.create();
    await using one = await startPrivateServers({ dataDir: dir.join('one') });
    await using two = await startPrivateServers({ dataDir: dir.join('two') });

    await write(one, '1');
    await write(two, '2');

    expect(await read(one)).to.deep.equal({ redis: '1', mysql: '1' });
    expect(await read(two)).to.deep.equal({ redis: '2', mysql: '2' });
  });

  it('put their sockets elsewhere when the directory is too deep for one', async () => {
    await using dir = await TempDir.create();
    const deep = dir.join('a-name-of-some-length'.repeat(4), 'b'.repeat(40));
    let folder = '';
    {
      await using servers = await startPrivateServers({ dataDir: deep });
      folder = dirname(socketOf(servers));
      await write(servers, 'reached');

      expect((await read(servers)).mysql).to.equal('reached');
      expect(dirname(folder)).to.equal(tmpdir());
      expect((await stat(folder)).mode & 0o777).to.equal(0o700);
    }
    expect(existsSync(folder)).to.equal(false);
  });

  it('reject with the end of the log when one cannot start, and leave nothing behind', async () => {
    await using dir = await TempDir.create();
    const flags = { mysql: ['--no-such-flag'] };

    const error = await failure(startPrivateServers({ dataDir: dir.path, flags }));

    expect(error.message).to.match(/ended at once.*no-such-flag.*To fix it/s);
    expect((await readdir(dir.path)).filter((name) => /^lock|pid$/.test(name))).to.deep.equal([]);
  });

  it('refuse a directory whose servers are running', async () => {
    await using dir = await TempDir.create();
    await using first = await startPrivateServers({ dataDir: dir.path });

    const error = await failure(startPrivateServers({ dataDir: dir.path }));

    expect(error.message).to.contain(`in use by TemJob process ${process.pid}`);
    await write(first, 'undisturbed');
  });

  it('end when their parent is killed', async () => {
    await using dir = await TempDir.create();
    await using parent = new Script('servers', { args: [dir.path] });
    const processes = running(await pidsOf(parent));
    expect(processes).to.have.length(3);

    parent.kill();

    expect(await survivors(processes)).to.deep.equal([]);
  });

  it('end when their warden is killed', async () => {
    await using dir = await TempDir.create();
    await using parent = new Script('servers', { args: [dir.path] });
    const [redis = 0, mysql = 0, warden = 0] = await pidsOf(parent);
    const processes = running([redis, mysql]);

    process.kill(warden, 'SIGKILL');

    expect(await survivors(processes)).to.deep.equal([]);
  });

  it('take over from those that nobody was left to end', async () => {
    await using dir = await TempDir.create();
    await using parent = new Script('servers', { args: [dir.path] });
    const [redis = 0, mysql = 0, warden = 0] = await pidsOf(parent);
    const leftovers = running([redis, mysql]);
    // The parent must not see that its warden is gone.
    process.kill(parent.pid, 'SIGSTOP');
    process.kill(warden, 'SIGKILL');
    parent.kill();
    await parent.exit;

    await using servers = await startPrivateServers({ dataDir: dir.path });
    await write(servers, 'taken over');

    expect(running(leftovers.map(({ pid }) => pid))).to.deep.equal([]);
  });
});

async function pidsOf(script: Script): Promise<readonly number[]> {
  const [, ...pids] = await script.prints(/pids (\d+) (\d+) (\d+)\n/);
  return pids.map(Number);
}

function socketOf(servers: PrivateServers): string {
  return new URL(servers.urls.mysql).searchParams.get('socketPath') ?? '';
}

async function write(servers: PrivateServers, value: string): Promise<void> {
  const redis = new Redis(servers.urls.redis);
  await redis.set('key', value);
  redis.disconnect();
  const connection = await createConnection(servers.urls.mysql);
  await connection.query('CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY, v TEXT)');
  await connection.query('REPLACE INTO t VALUES (1, ?)', [value]);
  connection.destroy();
}

async function read(servers: PrivateServers) {
  const redis = new Redis(servers.urls.redis);
  const connection = await createConnection(servers.urls.mysql);
  const [rows] = await connection.query<RowDataPacket[]>('SELECT v FROM t');
  const values = { redis: await redis.get('key'), mysql: String(rows[0]?.['v']) };
  redis.disconnect();
  connection.destroy();
  return values;
}

async function tcpSockets(pid: number | undefined): Promise<readonly string[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6', 'udp', 'udp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  );
  const inodes = new Set(
    tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)[9])),
  );
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) =>
      readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''),
    ),
  );
  return links.filter((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? 'none'));
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not fail');
}
