import { expect } from 'chai';

import { type Answer, openDoors, request } from '../support/doors.ts';
import { gate } from '../support/held.ts';
import { startLonelyNode } from '../support/lonely-node.ts';
import { expectProblem, restDefinitions } from '../support/rest.ts';

describe('a door whose database is down', () => {
  it('says 503 with Retry-After while MySQL alone is away, and takes the same start when it is back', async function () {
    this.timeout(60_000);
    await using lonely = await startLonelyNode({ definitions: restDefinitions(gate()) });
    const { node, servers } = lonely;
    await using doors = await openDoors([node.api]);
    const start = async (): Promise<Answer> =>
      await request(doors.url, 'POST', '/api/v1/workflows', {
        body: { name: 'order', id: 'without-mysql', on_conflict: 'use_existing' },
      });
    await servers.kill('mysql');

    const refused = [
      await start(),
      ...(await Promise.all(
        ['stats', 'workflows?count=exact', 'tasks', 'definitions'].map(
          async (path) => await request(doors.url, 'GET', `/api/v1/${path}`),
        ),
      )),
      await request(doors.url, 'GET', '/readyz'),
    ];
    const live = await request(doors.url, 'GET', '/livez');
    const up = node.notices.next('mysql.up');
    await servers.restart('mysql');
    await up;
    // Whether the one that was refused is carried out after all or not: the same start again is one workflow, and it ends.
    const again = await start();
    const end = await request(doors.url, 'GET', '/api/v1/workflows/without-mysql/result?wait=20s');

    for (const answer of refused) {
      expect(answer.status).to.equal(503);
      expect(answer.headers.get('Retry-After')).to.match(/^\d+$/);
      expect(answer.body['code']).to.equal('UNAVAILABLE');
      expectProblem(answer);
    }
    expect(refused.at(-1)?.body['detail']).to.match(/MySQL/).and.not.match(/Redis/);
    expect(live.status).to.equal(200);
    expect(again.status).to.be.oneOf([200, 201]);
    expect(end.status).to.equal(200);
  });

  it('says 503 with Retry-After and what is missing while Redis is away with it, and lives', async function () {
    this.timeout(60_000);
    await using lonely = await startLonelyNode({ definitions: restDefinitions(gate()) });
    const { node, servers } = lonely;
    await using doors = await openDoors([node.api]);
    expect((await request(doors.url, 'GET', '/readyz')).status).to.equal(200);
    await servers.stop();

    const ready = await request(doors.url, 'GET', '/readyz');
    const stats = await request(doors.url, 'GET', '/api/v1/stats');
    const start = await request(doors.url, 'POST', '/api/v1/workflows', {
      body: { name: 'order', id: 'down' },
    });

    for (const answer of [ready, stats, start]) {
      expect(answer.status).to.equal(503);
      expect(answer.headers.get('Retry-After')).to.match(/^\d+$/);
      expectProblem(answer);
    }
    expect(ready.body['detail']).to.match(/MySQL|Redis/);
    expect((await request(doors.url, 'GET', '/livez')).status).to.equal(200);
  });
});
