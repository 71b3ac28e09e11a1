import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { isJsonObject, type Json } from '#actors/json.ts';
import { freePort } from '#dev/ports.ts';
import { type ServerUrls, startPrivateServers } from '#dev/private-servers.ts';
import { connect } from '#sdk/index.ts';

import { Script } from '../dev/script.ts';
import { TempDir } from '../dev/temp-dir.ts';
import { request } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';
import { freshDatabase, freshPrefix, sharedServers } from '../support/servers.ts';

const main = new URL('../../src/main.ts', import.meta.url);
const examples = fileURLToPath(new URL('../../examples/index.ts', import.meta.url));

describe('temjob start', function () {
  this.timeout(90_000);

  it('answers 503 to what is new while it drains, lets the running task end, and exits with 0', async () => {
    const env = await freshServers();
    await using node = startNode(env);
    const url = await served(node);
    await startReport(url, 16);
    const waiting = request(url, 'GET', '/api/v1/workflows/report/result?wait=60s');
    await request(url, 'GET', '/livez');

    node.signal('SIGTERM');
    await node.prints(/"stopping"/);
    const ready = await request(url, 'GET', '/readyz');
    const start = await request(url, 'POST', '/api/v1/workflows', { body: { name: 'x' } });
    const page = await request(url, 'GET', '/');
    const live = await request(url, 'GET', '/livez');

    for (const answer of [ready, start, page]) {
      expect(answer.status).to.equal(503);
      expect(answer.body['code']).to.equal('DRAINING');
      expect(answer.headers.get('Retry-After')).to.equal('1');
    }
    expect(live.status).to.equal(200);
    expect((await waiting).status).to.equal(202);
    await endsWell(node);
    expect(await attemptsAfter(env)).to.equal(1);
  });

  it('takes two SIGINTs at once, of the terminal and of npm, for one', async () => {
    const env = await freshServers();
    await using node = startNode(env);
    await startReport(await served(node), 8);

    node.signal('SIGINT');
    node.signal('SIGTERM');
    await node.prints(/"stopping"/);
    node.signal('SIGINT');

    await endsWell(node);
    expect(node.output).to.contain('the node has stopped');
    expect(await attemptsAfter(env)).to.equal(1);
  });

  it('takes the end of its parent and the SIGTERM of the warden for one', async () => {
    await using node = startNode(await freshServers(), { channel: true });
    await startReport(await served(node), 8);

    node.disconnect();
    await node.prints(/"stopping"/);
    node.signal('SIGTERM');

    await endsWell(node);
    expect(node.output).to.contain('the node has stopped');
  });

  it('drains when its terminal is closed', async () => {
    await using node = startNode(await freshServers());
    await served(node);

    node.signal('SIGHUP');

    await endsWell(node);
    expect(node.output).to.contain('the node has stopped');
  });

  it('exits with 130 at once when it is told again', async () => {
    await using node = startNode(await freshServers());
    await startReport(await served(node), 200);

    const impatience = setInterval(() => node.signal('SIGINT'), 200);
    const code = await node.exit.finally(() => clearInterval(impatience));

    expect(code).to.equal(130);
    expect(node.output).not.to.contain('the node has stopped');
  });

  it('says which key it does not know, and no more than that', async () => {
    await using node = startNode({ TEMJOB__WORKER__CONCURENCY: '3' });

    expect(await node.exit).to.equal(78);
    expect(node.output).to.equal(
      'temjob: The configuration cannot be used:\n' +
        '  - TEMJOB__WORKER__CONCURENCY: worker.concurency: there is no such key. Did you mean "concurrency"?\n',
    );
  });

  it('starts on the very configuration of TemJob for Go, and names what has no meaning', async () => {
    const file = fileURLToPath(new URL('./fixtures/seed-config.yaml', import.meta.url));
    // Only the servers and the port are other ones here.
    await using node = startNode(await freshServers(), { args: ['--config', file] });

    const url = await served(node);

    expect((await request(url, 'GET', '/readyz')).status).to.equal(200);
    const notes = node.output.split('\n').filter((line) => line.includes('has no meaning here'));
    expect(notes.map((line) => /"msg":"(\S+) /.exec(line)?.[1])).to.deep.equal([
      'database.mysql.parse_time',
      'database.mysql.loc',
      'redis.pool_size',
      'server.mode',
      'engine.monitor_interval',
    ]);
    node.signal('SIGTERM');
    await endsWell(node);
  });

  it('says with --json all as JSON, errors and a log that is configured for people, too', async () => {
    const env = { ...(await freshServers()), TEMJOB__LOGGING__FORMAT: 'console' };
    await using node = startNode(env, { args: ['--json'] });
    await served(node);
    node.signal('SIGTERM');
    await endsWell(node);
    for (const line of node.output.trim().split('\n')) {
      expect(JSON.parse(line), line).to.include({ level: 'info' });
    }

    await using wrong = startNode({ TEMJOB__REDIS__HSOT: 'x' }, { args: ['--json'] });
    expect(await wrong.exit).to.equal(78);
    const { error }: { error: { code: string } } = JSON.parse(wrong.output);
    expect(error.code).to.equal('CONFIG_INVALID');
  });

  it('stops in order when it is told to before it serves', async () => {
    const slow = fileURLToPath(new URL('./fixtures/slow-module.ts', import.meta.url));
    await using node = startNode({ ...(await freshServers()), TEMJOB__NODE__MODULES: slow });
    await node.prints(/the module loads/);

    node.signal('SIGTERM');

    await endsWell(node);
    expect(node.output).to.contain('"stopping"').and.contain('the node has stopped');
    expect(node.output).not.to.contain('the API answers');
  });

  it('says what to do when no server is named', async () => {
    await using node = startNode({});

    expect(await node.exit).to.equal(78);
    expect(node.output).to.contain('no server is named: give a file with --config, or set');
  });

  it('says which server does not answer, and no word of its password', async () => {
    await using node = startNode({
      ...(await freshServers()),
      TEMJOB__REDIS__URL: `redis://:hunter22@127.0.0.1:${await freePort(0)}`,
    });

    expect(await node.exit).to.equal(69);
    expect(node.output)
      .to.match(/^temjob: Redis does not answer at redis:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/)
      .and.not.contain('hunter22')
      .and.not.match(/^ +at /m);
  });

  it('says so of both servers when neither answers', async () => {
    const [redis, mysql] = [await freePort(0), await freePort(0)];
    await using node = startNode({
      TEMJOB__REDIS__URL: `redis://127.0.0.1:${redis}`,
      TEMJOB__DATABASE__MYSQL__URL: `mysql://temjob:hunter22@127.0.0.1:${mysql}/temjob`,
    });

    expect(await node.exit).to.equal(69);
    expect(node.output)
      .to.contain(`Redis does not answer at redis://127.0.0.1:${redis}`)
      .and.contain(`cannot use MySQL at 127.0.0.1:${mysql}, `)
      .and.not.contain('hunter22');
  });

  it('as a worker runs tasks and listens on no port', async () => {
    const env = await freshServers();
    await using worker = startNode(env, { command: 'worker', args: ['--modules', examples] });
    await worker.prints(/"the worker works"/);
    const { TEMJOB__REDIS__URL: redis = '', TEMJOB__DATABASE__MYSQL__URL: mysql = '' } = env;
    await using client = await connect({
      redis,
      mysql,
      redisPrefix: env['TEMJOB__REDIS__PREFIX'] ?? '',
    });

    const output = await client.execute('long_report', { title: 'x', pages: 1 });

    expect(output).to.include({ title: 'x' });
    expect(worker.output).not.to.contain('the API answers');
    worker.signal('SIGTERM');
    await endsWell(worker);
  });

  it('as a worker says that it needs something to run', async () => {
    await using worker = startNode(
      { ...(await freshServers()), TEMJOB__NODE__MODULES: '' },
      { command: 'worker' },
    );

    expect(await worker.exit).to.equal(78);
    expect(worker.output).to.contain('a worker has nothing to run: name files with --modules');
  });

  it('says which port is in use and what to set, and takes neither name nor shards from one that serves', async () => {
    const env = { ...(await freshServers()), TEMJOB__NODE__NAME: 'only' };
    await using other = startNode(env);
    const url = await served(other);
    const { port } = new URL(url);
    const before = await nodesAt(url);

    await using node = startNode({ ...env, TEMJOB__SERVER__PORT: port });

    expect(await node.exit).to.equal(1);
    expect(node.output).to.contain(`port ${port} of 127.0.0.1 is in use`);
    expect(node.output).to.contain('TEMJOB__SERVER__PORT').and.not.contain('    at ');
    expect(await nodesAt(url)).to.deep.equal(before);
  });

  it('refuses to listen for others without a key, before it needs any server', async () => {
    await using node = startNode({ TEMJOB__SERVER__HOST: '0.0.0.0' });

    expect(await node.exit).to.equal(78);
    expect(node.output).to.match(
      /^temjob: The HTTP door will not listen on "0\.0\.0\.0": no API key/,
    );
    expect(node.output).to.contain('server.auth.keys').and.not.contain('    at ');
  });

  it('listens for others with a key, and asks for it', async () => {
    const { text, key } = newKey('ci', 'read');
    await using node = startNode({
      ...(await freshServers()),
      TEMJOB__SERVER__HOST: '0.0.0.0',
      TEMJOB__SERVER__AUTH__KEYS: JSON.stringify([key]),
      TEMJOB__SERVER__RATE_LIMIT__REQUESTS: '5',
    });
    const url = `http://127.0.0.1:${new URL(await served(node)).port}`;

    const headers = { Authorization: `Bearer ${text}` };
    const answers = [await request(url, 'GET', '/api/v1/whoami')];
    for (let n = 0; n < 6; n += 1) {
      answers.push(await request(url, 'GET', '/api/v1/whoami', { headers }));
    }

    expect(answers[1]?.body).to.include({ name: 'ci', authentication: 'key' });
    const statuses = answers.map(({ status }) => status);
    expect(statuses).to.deep.equal([401, 200, 200, 200, 200, 200, 429]);
    expect(node.output).to.not.contain(text);
    node.signal('SIGTERM');
    await endsWell(node);
  });

  it('reads the file that --config names, and keeps to the limits in it', async () => {
    await using dir = await TempDir.create();
    const file = dir.join('node.yaml');
    await writeFile(
      file,
      'node:\n  name: from-the-file\nengine:\n  max_workflow_timeout: 1s\nlogging:\n  level: debug\n',
    );

    await using node = startNode(await freshServers(), { args: ['--config', file] });
    const url = await served(node);
    const cluster = await request(url, 'GET', '/api/v1/cluster');
    await startReport(url, 200);
    const report = await request(url, 'GET', '/api/v1/workflows/report/result?wait=20s');

    expect(JSON.stringify(cluster.body)).to.contain('"from-the-file"');
    expect(report.body).to.deep.include({ code: 'WORKFLOW_FAILED' });
    expect(JSON.stringify(report.body)).to.match(/1s|timeout/i);
    expect(node.output).to.match(/"workflow_id":"report","shard":\d+,.*"task_id":"report\.\d"/);
    node.signal('SIGTERM');
    await endsWell(node);
  });

  it('refuses servers with settings that are unsafe, and names each with its fix', async () => {
    await using dir = await TempDir.create();
    await using servers = await startPrivateServers({
      dataDir: dir.path,
      flags: {
        redis: ['--maxmemory-policy', 'allkeys-lru'],
        mysql: ['--innodb-flush-log-at-trx-commit=2'],
      },
    });

    await using node = startNode(environmentOf(servers.urls));

    expect(await node.exit).to.equal(78);
    expect(node.output)
      .to.match(/maxmemory-policy allkeys-lru.*Run: CONFIG SET maxmemory-policy noeviction/)
      .and.match(
        /innodb_flush_log_at_trx_commit is 2.*SET GLOBAL innodb_flush_log_at_trx_commit = 1/,
      )
      .and.not.match(/^ +at /m);
  });
});

type Environment = Record<string, string>;

function startNode(
  env: Environment,
  {
    command = 'start',
    args = [],
    channel = false,
  }: { command?: string; args?: readonly string[]; channel?: boolean } = {},
): Script {
  return new Script(main, {
    args: [command, ...args],
    env: { TEMJOB__SERVER__PORT: '0', TEMJOB__NODE__MODULES: examples, ...env },
    channel,
  });
}

async function freshServers(): Promise<Environment> {
  const urls = await sharedServers();
  return environmentOf({ redis: urls.redis, mysql: await freshDatabase(urls) });
}

function environmentOf({ redis, mysql }: ServerUrls): Environment {
  return {
    TEMJOB__REDIS__URL: redis,
    TEMJOB__REDIS__PREFIX: freshPrefix(),
    TEMJOB__DATABASE__MYSQL__URL: mysql,
  };
}

async function served(node: Script): Promise<string> {
  const [, url] = await node.prints(/"url":"(http:[^"]+)","msg":"the API answers"/);
  if (url === undefined) throw new Error('no URL');
  return url;
}

/** The nodes of the cluster, each with when it began. */
async function nodesAt(url: string): Promise<readonly unknown[]> {
  const { body } = await request(url, 'GET', '/api/v1/cluster');
  const { nodes } = body;
  if (!Array.isArray(nodes)) throw new Error(JSON.stringify(body));
  return nodes.map((node: Json) =>
    isJsonObject(node) ? [node['name'], node['started_at']] : node,
  );
}

async function endsWell(node: Script): Promise<void> {
  const code = await node.exit;
  expect(code, node.output).to.equal(0);
}

/** Resolves when the first task of it runs, for a quarter of a second per page. */
async function startReport(url: string, pages: number): Promise<void> {
  const body = { name: 'long_report', id: 'report', input: { title: 'x', pages } };
  const started = await request(url, 'POST', '/api/v1/workflows', { body });
  expect(started.status).to.equal(201);
  for (;;) {
    const { body: shown } = await request(url, 'GET', '/api/v1/workflows/report/tasks');
    if (JSON.stringify(shown).includes('"state":"running"')) return;
    await sleep(20);
  }
}

/** How many attempts the long task has needed, when another node has finished what the first one left. */
async function attemptsAfter(env: Environment): Promise<unknown> {
  await using node = startNode(env);
  const url = await served(node);
  const ended = await request(url, 'GET', '/api/v1/workflows/report/result?wait=30s');
  expect(ended.body['state']).to.equal('completed');
  const { body } = await request(url, 'GET', '/api/v1/workflows/report/tasks');
  const tasks: readonly { readonly attempt: number }[] = JSON.parse(JSON.stringify(body['tasks']));
  node.signal('SIGTERM');
  await node.exit;
  return tasks[0]?.attempt;
}
