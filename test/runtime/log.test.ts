import { mkdir, readdir, readFile, readlink, utimes, writeFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';

import { shardOf } from '#actors/ids.ts';
import { Notices } from '#cluster/notices.ts';

import { ConfigError, readConfig } from '../../src/runtime/config.ts';
import { logNotices } from '../../src/runtime/log-notices.ts';
import { openLog } from '../../src/runtime/log.ts';
import { redacted } from '../../src/runtime/redaction.ts';
import { attempt } from '../compute/support/world.ts';
import { TempDir } from '../dev/temp-dir.ts';
import { sharedServers } from '../support/servers.ts';

describe('the log', () => {
  it('has one JSON object a line, with the time, the name of the level, and the node', async () => {
    await using dir = await TempDir.create();
    const log = await open(dir, { TEMJOB__NODE__NAME: 'n1', TEMJOB__LOGGING__LEVEL: 'warn' });

    log.info('not this');
    log.warn({ shard: 7 }, 'but this');

    const [line, ...others] = await linesIn(dir);
    expect(others).to.deep.equal([]);
    expect(line).to.include({ level: 'warn', node: 'n1', shard: 7, msg: 'but this' });
    expect(line?.['time']).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  for (const format of ['console', 'text']) {
    it(`has lines for people when its format is ${format}`, async () => {
      await using dir = await TempDir.create();
      const log = await open(dir, {
        TEMJOB__NODE__NAME: 'n1',
        TEMJOB__LOGGING__FORMAT: format,
      });

      log.warn({ workflow_id: 'w' }, 'look here');

      expect(await readFile(dir.join('temjob.log'), 'utf8')).to.match(
        /^\[\d\d:\d\d:\d\d\.\d+\] WARN[^\n]*: look here\n {4}node: "n1"\n {4}workflow_id: "w"\n$/,
      );
    });
  }

  it('says by the same names what a line is about', async () => {
    await using dir = await TempDir.create();
    const log = await open(dir, { TEMJOB__NODE__NAME: 'n1', TEMJOB__LOGGING__LEVEL: 'debug' });
    const notices = new Notices();
    logNotices(notices, log, 256);

    notices.emit('member.down', { node: 'n2~1', silentMs: 4_000.4 });
    notices.emit('member.replaced', { by: 'n1~2' });
    notices.emit('shard.fenced', { shard: 3, epoch: 9 });
    notices.emit('actor.faulted', { id: 'order.1', error: new Error('no'), parked: true });
    notices.emit('actor.faulted', { id: 'cart/7', error: new Error('no'), parked: false });
    notices.emit('task.started', { key: 'order.1.2.3.1' });
    const outcome = { status: 'turned', state: null, replies: [] } as const;
    notices.emit('task.ended', {
      key: 'cart/7.12.1.1',
      status: 'turned',
      work: attempt('actor:cart'),
      outcome,
      startedAt: null,
    });

    const failure = {
      kind: 'error',
      name: 'TypeError',
      message: 'no luck',
      retryable: true,
    } as const;
    notices.emit('task.ended', {
      key: 'order.1.2.3.1',
      status: 'failed',
      work: attempt('charge'),
      outcome: { status: 'failed', failure },
      startedAt: null,
    });

    const [down, replaced, fenced, workflow, actor, task, own, failed] = await linesIn(dir);
    expect(down).to.include({ node: 'n1', member: 'n2~1', silent_ms: 4_000 });
    expect(replaced).to.include({ level: 'error', member: 'n1~2' });
    expect(replaced?.['msg']).to.contain('TEMJOB__NODE__NAME');
    expect(fenced).to.include({ shard: 3, epoch: 9 });
    expect(workflow).to.include({ workflow_id: 'order.1', shard: shardOf('order.1', 256) });
    expect(actor).to.include({ actor: 'cart/7', shard: shardOf('cart/7', 256) });
    expect(actor).not.to.have.property('workflow_id');
    expect(task).to.include({ workflow_id: 'order.1', task_id: 'order.1.2', attempt: 3 });
    expect(own).to.include({ actor: 'cart/7', turn: 12, status: 'turned' });
    expect(failed).to.include({
      level: 'info',
      workflow_id: 'order.1',
      task_id: 'order.1.2',
      attempt: 3,
      error: 'TypeError: no luck',
    });
  });
});

describe('a secret', () => {
  it('is in no line, wherever the password of a URL came in', async () => {
    await using dir = await TempDir.create();
    const url = 'mysql://root:hunter22%2Fx@db:3306/temjob';
    const log = await open(dir, { TEMJOB__DATABASE__MYSQL__URL: url });

    log.error(
      { err: new Error(`cannot use ${url}`, { cause: new Error(url) }), url, inner: { url } },
      `no answer from ${url}`,
    );
    log.warn('access denied with hunter22/x');
    log.warn(
      { password: 'other', request: { authorization: 'Bearer x' } },
      'tk_abcdefghijklmnopqrstuvwxyz',
    );

    const text = await readFile(dir.join('temjob.log'), 'utf8');
    expect(text).not.to.match(/hunter22|other|Bearer|abcdefgh/);
    expect(text).to.contain('cannot use mysql://root:[redacted]@db:3306/temjob');
  });

  it('is not in what a driver hangs on its error', async () => {
    await using dir = await TempDir.create();
    const log = await open(dir, {});
    const { redis: url } = await sharedServers();
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => {});

    const error = await redis.auth('correct-horse').catch((reason: unknown) => reason);
    redis.disconnect();
    log.error({ err: error }, 'refused');

    expect(JSON.stringify(error)).to.contain('correct-horse');
    const text = await readFile(dir.join('temjob.log'), 'utf8');
    expect(text).to.contain('AUTH').and.not.contain('correct-horse');
  });

  for (const [text, clean] of [
    ['redis://:secret1@h:1/0 is down', 'redis://:[redacted]@h:1/0 is down'],
    ['rediss://me:a@b@h', 'rediss://me:[redacted]@h'],
    ['unix:///s.sock?password=abc&db=1', 'unix:///s.sock?password=[redacted]&db=1'],
    ['http://h:8088/a@b', 'http://h:8088/a@b'],
    ['"mysql://u:p@h","next":"x@y"', '"mysql://u:[redacted]@h","next":"x@y"'],
  ] as const) {
    it(`is taken out of ${text}`, () => {
      expect(redacted(text)).to.equal(clean);
    });
  }
});

describe('a log file', () => {
  it('is begun anew when it is full, keeps so many, and has a link to the newest', async () => {
    await using dir = await TempDir.create();
    const log = await open(dir, {
      TEMJOB__LOGGING__MAX_SIZE: '1',
      TEMJOB__LOGGING__MAX_BACKUPS: '2',
    });
    const padding = 'x'.repeat(600_000);

    for (let line = 0; line < 10; line += 1) {
      log.info({ line, padding }, 'long');
      await turn();
    }
    log.info('the last');

    expect(await filesIn(dir)).to.deep.equal([
      'temjob.4.log',
      'temjob.5.log',
      'temjob.6.log',
      'temjob.log',
    ]);
    expect(await readlink(dir.join('temjob.log'))).to.equal('temjob.6.log');
    expect((await linesIn(dir)).at(-1)).to.include({ msg: 'the last' });
  });

  it('is removed at a start when it is too old, and nothing else is', async () => {
    await using dir = await TempDir.create();
    const old = new Date(Date.now() - 3 * 24 * 3_600_000);
    for (const name of ['temjob.1.log', 'temjob.2.log', 'other.1.log', 'temjob.x.log']) {
      await writeFile(dir.join(name), `${name}\n`);
      if (name !== 'temjob.2.log') await utimes(dir.join(name), old, old);
    }

    const log = await open(dir, { TEMJOB__LOGGING__MAX_AGE: '2' });
    log.info('goes on');

    expect(await filesIn(dir)).to.deep.equal([
      'other.1.log',
      'temjob.2.log',
      'temjob.log',
      'temjob.x.log',
    ]);
    expect(await readFile(dir.join('temjob.2.log'), 'utf8')).to.match(/^temjob\.2\.log\n.*goes on/);
  });

  it('keeps what was in a file of that name before', async () => {
    await using dir = await TempDir.create();
    await writeFile(dir.join('temjob.log'), 'from before\n');

    const log = await open(dir, {});
    log.info('from now on');

    expect(await readFile(dir.join('temjob.log'), 'utf8')).to.match(/^from before\n.*from now on/);
    expect(await readlink(dir.join('temjob.log'))).to.equal('temjob.1.log');
  });

  it('may be in a directory that is not there yet, named by output itself', async () => {
    await using dir = await TempDir.create();
    const log = await open(dir, { TEMJOB__LOGGING__OUTPUT: dir.join('var/log/node') });

    log.info('here');

    expect(await readFile(dir.join('var/log/node'), 'utf8')).to.contain('here');
    expect(await readdir(dir.join('var/log'))).to.have.members(['node', 'node.1.log']);
  });

  it('that cannot be written is a problem of the configuration', async () => {
    await using dir = await TempDir.create();
    await mkdir(dir.join('temjob.log'));

    const refusal = await open(dir, {}).catch((error: unknown) => error);

    expect(refusal).to.be.instanceOf(ConfigError);
    expect(String(refusal)).to.contain('logging.file_path: the log cannot be written to');
  });
});

async function open(dir: TempDir, env: Record<string, string>): Promise<Logger> {
  const { config } = readConfig({
    env: {
      TEMJOB__LOGGING__OUTPUT: 'file',
      TEMJOB__LOGGING__FILE_PATH: dir.join('temjob.log'),
      ...env,
    },
  });
  return await openLog(config);
}

async function linesIn(dir: TempDir): Promise<readonly Record<string, unknown>[]> {
  const text = await readFile(dir.join('temjob.log'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const parsed: Record<string, unknown> = JSON.parse(line);
      return parsed;
    });
}

async function filesIn(dir: TempDir): Promise<readonly string[]> {
  return (await readdir(dir.path)).toSorted();
}
