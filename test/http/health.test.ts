import { expect } from 'chai';

import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { type Answer, openDoors, request } from '../support/doors.ts';
import { startLonelyNode } from '../support/lonely-node.ts';

const quick = workflow('quick')
  .task('only', { run: () => ({}) })
  .build();

describe('the health of a node', function () {
  this.timeout(60_000);

  it('is told thing by thing, to whoever asks', async () => {
    await using cluster = await startCluster({ definitions: [quick] });
    await using doors = await openDoors(cluster.apis);
    const get = async (path: string): Promise<Answer> => await request(doors.url, 'GET', path);

    for (const path of ['/livez', '/healthz']) {
      expect((await get(path)).body).to.deep.equal({ status: 'ok' });
    }
    expect((await get('/readyz')).body).to.deep.equal({ status: 'ready' });
    for (const path of ['/readyz?verbose', '/readyz?verbose=true']) {
      expect((await get(path)).body).to.deep.equal({
        status: 'ready',
        checks: ['serving', 'mysql', 'redis', 'membership'].map((name) => ({ name, ok: true })),
      });
    }
    expect((await get('/startupz')).body).to.deep.equal({ status: 'started' });
    expect((await get('/readyz?verbos')).status).to.equal(400);
  });

  it('is not ready while it drains, and has started all the same', async () => {
    await using cluster = await startCluster({ nodes: 2, definitions: [quick] });
    await using doors = await openDoors(cluster.apis);
    const get = async (path: string): Promise<Answer> => await request(doors.url, 'GET', path);
    const early = await get('/startupz');
    await cluster.api.drain('a', true);

    const ready = await get('/readyz');
    const verbose = await get('/readyz?verbose');
    const started = await get('/startupz');
    const live = await get('/livez');
    await cluster.api.drain('a', false);
    const again = await get('/readyz?verbose');

    for (const answer of [ready, verbose]) {
      expect(answer.status).to.equal(503);
      expect(answer.body['code']).to.equal('DRAINING');
      expect(answer.headers.get('Retry-After')).to.equal('1');
    }
    const checks = JSON.stringify(verbose.body['checks']);
    expect(checks).to.match(/^\[{"name":"serving","ok":false,"why":"node a is drained[^"]+"},/);
    expect(checks).to.contain('{"name":"mysql","ok":true}');
    expect([early.status, started.status, live.status, again.status]).to.deep.equal([
      200, 200, 200, 200,
    ]);
  });

  it('names the server that does not answer, and whether others can still see the node', async () => {
    await using lonely = await startLonelyNode({ definitions: [quick] });
    const { node, servers } = lonely;
    await using doors = await openDoors([node.api]);
    const get = async (path: string): Promise<Answer> => await request(doors.url, 'GET', path);

    await servers.kill('redis');
    const withoutRedis = await get('/readyz?verbose');
    const notStarted = await get('/startupz');
    const up = node.notices.next('redis.up');
    await servers.restart('redis');
    await up;
    const back = await get('/startupz');
    await servers.kill('mysql');
    await servers.kill('redis');
    let unseen = await get('/readyz?verbose');
    while (failing(unseen).length < 3) unseen = await get('/readyz?verbose');
    const started = await get('/startupz');
    const live = await get('/livez');

    expect(withoutRedis.status).to.equal(503);
    expect(withoutRedis.body['code']).to.equal('UNAVAILABLE');
    expect(failing(withoutRedis)).to.deep.equal(['redis']);
    expect(withoutRedis.body['detail']).to.match(/^Redis does not answer/);
    expect(notStarted.status).to.equal(503);
    expect(back.status).to.equal(200);
    expect(failing(unseen)).to.deep.equal(['mysql', 'redis', 'membership']);
    // Who asks needs no key, so what the drivers say of addresses and users is for the log alone.
    expect(JSON.stringify(unseen.body)).not.to.match(/sock|ECONN|root/);
    expect(started.status).to.equal(200);
    expect(live.status).to.equal(200);
  });
});

/** Names of the checks that are not well. */
function failing({ body }: Answer): readonly string[] {
  const { checks } = body;
  if (!Array.isArray(checks)) return [];
  return checks.flatMap((check: { name?: string; ok?: boolean }) =>
    check.ok === true ? [] : [String(check.name)],
  );
}
