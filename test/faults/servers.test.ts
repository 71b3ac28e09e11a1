import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import { Redis } from 'ioredis';

import { Node } from '#cluster/node.ts';
import { type PrivateServers, startPrivateServers } from '#dev/private-servers.ts';
import { workflow } from '#sdk/index.ts';

import { checkCompletedOnce, checkJournal } from '../support/checker.ts';
import { Load } from '../support/load.ts';
import { freshDatabase, freshPrefix } from '../support/servers.ts';

const pair = workflow('pair')
  .task('one', {
    run: async () => await new Promise<{ one: number }>((done) => setTimeout(done, 20, { one: 1 })),
  })
  .task('two', { needs: ['one'], run: ({ one }) => ({ two: one + 1 }) })
  .build();

describe('a cluster under load', function () {
  this.timeout(90_000);
  let directory: string;
  let servers: PrivateServers;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'temjob-servers-'));
    servers = await startPrivateServers({ dataDir: directory });
  });
  after(async () => {
    await servers.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function startNodes() {
    const { redis } = servers.urls;
    const mysql = await freshDatabase(servers.urls);
    const options = { redis, mysql, redisPrefix: freshPrefix(), shards: 16, definitions: [pair] };
    await using stack = new AsyncDisposableStack();
    const first = stack.use(await Node.start({ name: 'a', ...options }));
    const second = stack.use(await Node.start({ name: 'b', ...options }));
    const nodes = [first, second];
    const owned = stack.move();
    return {
      mysql,
      nodes,
      load: () => new Load(() => nodes.map(({ api }) => api), { name: 'pair', input: {} }),
      [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
    };
  }

  it('ends every acknowledged workflow though Redis forgets everything', async () => {
    await using cluster = await startNodes();
    const load = cluster.load();
    const redis = new Redis(new URL(servers.urls.redis).pathname);
    for (const count of [30, 60, 90]) {
      await load.reached(count);
      await redis.flushall();
    }
    await load.reached(load.acknowledged.length + 20);
    await load.stop();
    redis.disconnect();

    await allEnded(cluster.nodes, cluster.mysql, load);
  });

  it('ends every acknowledged workflow though Redis is killed and started again', async () => {
    await using cluster = await startNodes();
    const load = cluster.load();
    await load.reached(40);
    const down = cluster.nodes[0]?.notices.next('redis.down');

    await servers.kill('redis');
    await down;
    await servers.restart('redis');
    await load.reached(load.acknowledged.length + 30);
    await load.stop();

    await allEnded(cluster.nodes, cluster.mysql, load);
  });

  it('F1.15 refuses calls soon while MySQL is away, loses nothing that it acknowledged, and goes on', async () => {
    await using cluster = await startNodes();
    const [node] = cluster.nodes;
    const load = cluster.load();
    await load.reached(40);
    const down = node?.notices.next('mysql.down');
    const up = node?.notices.next('mysql.up');

    await servers.kill('mysql');
    await down;
    await refused(load, 8);
    const askedAt = performance.now();
    const refusal = await node?.api.start({ name: 'pair', input: {} }).catch((error) => error);
    const answeredMs = performance.now() - askedAt;
    await servers.restart('mysql');
    await up;
    await load.reached(load.acknowledged.length + 30);
    await load.stop();

    expect(refusal).to.include({ code: 'UNAVAILABLE', retryAfterMs: 1_000 });
    expect(answeredMs).to.be.below(1_000);
    await allEnded(cluster.nodes, cluster.mysql, load);
  });

  it('stops while MySQL is away, too', async () => {
    await using cluster = await startNodes();
    const load = cluster.load();
    await load.reached(20);
    await servers.kill('mysql');
    const stopping = load.stop();
    await refused(load, 4);

    await Promise.all(cluster.nodes.map(async (node) => await node.stop({ graceMs: 100 })));
    await servers.restart('mysql');
    await using again = await Node.start({
      name: 'again',
      redis: servers.urls.redis,
      mysql: cluster.mysql,
      redisPrefix: freshPrefix(),
      shards: 16,
      definitions: [pair],
    });
    cluster.nodes.splice(0, 2, again);
    await stopping;

    await allEnded([again], cluster.mysql, load);
  });
});

/** Resolves when so many calls of the load have been refused. */
async function refused(load: Load, count: number): Promise<void> {
  while (load.refusals.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function allEnded(nodes: readonly Node[], mysql: string, load: Load): Promise<void> {
  const [node] = nodes;
  const ends = await Promise.all(
    load.acknowledged.map(async (id) => await node?.api.result(id, 40_000)),
  );
  for (const end of ends) expect(end?.workflow.state, end?.workflow.id).to.equal('completed');
  checkCompletedOnce(await checkJournal(mysql), load.acknowledged, 2);
}
