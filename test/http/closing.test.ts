import { expect } from 'chai';

import { request } from '../support/doors.ts';
import { openRest } from '../support/rest.ts';

describe('a door that closes', () => {
  it('answers who waits for a result with the state of that moment, and takes no more', async () => {
    await using rest = await openRest();
    const { doors, held } = rest;
    await request(doors.url, 'POST', '/api/v1/workflows', { body: { name: 'held', id: 'w' } });
    const waiting = request(doors.url, 'GET', '/api/v1/workflows/w/result?wait=60s');
    await request(doors.url, 'GET', '/livez');

    const began = performance.now();
    await doors[Symbol.asyncDispose]();

    expect(performance.now() - began).to.be.below(5_000);
    expect((await waiting).status).to.equal(202);
    const refused = await request(doors.url, 'GET', '/livez').then(
      () => false,
      () => true,
    );
    expect(refused).to.equal(true);
    held.open();
  });

  it('says 503 with Retry-After while its node drains', async () => {
    await using rest = await openRest();
    const { doors } = rest;
    const [node] = rest.cluster.nodes;
    const draining = node?.notices.next('node.draining');
    const stopping = node?.stop({ graceMs: 0 });
    await draining;

    const start = await request(doors.url, 'POST', '/api/v1/workflows', {
      body: { name: 'order' },
    });
    const ready = await request(doors.url, 'GET', '/readyz');
    const live = await request(doors.url, 'GET', '/livez');

    expect(start).to.include({ status: 503 });
    expect(start.body['code']).to.equal('DRAINING');
    expect(start.headers.get('Retry-After')).to.equal('1');
    expect(ready.status).to.equal(503);
    expect(ready.body['code']).to.equal('DRAINING');
    expect(live.status).to.equal(200);
    await stopping;
  });
});
