import { expect } from 'chai';

import type { Answer } from '../support/doors.ts';
import { request } from '../support/doors.ts';
import { objects, openRest, type Rest, textOf } from '../support/rest.ts';

describe('lists of the REST API', () => {
  let rest: Rest;
  let get: Rest['get'];

  before(async () => {
    rest = await openRest();
    ({ get } = rest);
    for (const [id, tags] of [
      ['eu-1', { region: 'eu', 'owner.team': 'ops' }],
      ['eu-2', { region: 'eu' }],
      ['us-1', { region: 'us' }],
      ['eu-3', { region: 'eu' }],
    ] as const) {
      await rest.post('/workflows', { name: 'order', id, tags });
      await get(`/workflows/${id}/result?wait=20s`);
    }
    await rest.post('/workflows', { name: 'held', id: 'held-1' });
    // The list may lag the owner by a second.
    const listed = async (): Promise<number> =>
      Number((await get('/workflows?count=exact&state=completed')).body['total']);
    while ((await listed()) < 4);
    while (idsOf(await get('/workflows?name=held')).length === 0);
  });

  after(async () => {
    await rest[Symbol.asyncDispose]();
  });

  for (const [query, ids] of [
    ['state=completed', ['eu-3', 'us-1', 'eu-2', 'eu-1']],
    ['state=failed,canceled', []],
    ['name=held', ['held-1']],
    ['id_prefix=eu-', ['eu-3', 'eu-2', 'eu-1']],
    ['tag.region=eu', ['eu-3', 'eu-2', 'eu-1']],
    ['tag[region]=us', ['us-1']],
    ['tag.region=eu&tag.owner.team=ops', ['eu-1']],
    ['state=completed&id_prefix=eu&tag.region=us', []],
    ['created_after=2100-01-01T00:00:00Z', []],
    ['created_before=2020-01-01T00:00:00%2B01:00', []],
  ] as const) {
    it(`have what fits ?${query}, and count it`, async () => {
      const answer = await get(`/workflows?${query}&count=exact`);
      expect(idsOf(answer)).to.deep.equal(ids);
      expect(answer.body['total']).to.equal(ids.length);
      expect(answer.body['next_cursor']).to.equal(null);
    });
  }

  it('tell when something was created as they are asked for it', async () => {
    const { body } = await get('/workflows/us-1');
    const at = encodeURIComponent(textOf(body['created_at']));
    expect(idsOf(await get(`/workflows?state=completed&created_after=${at}`))).to.deep.equal([
      'eu-3',
      'us-1',
    ]);
    expect(idsOf(await get(`/workflows?created_before=${at}`))).to.deep.equal(['eu-2', 'eu-1']);
  });

  it('are followed by the Link to the next page until there is none', async () => {
    const seen: string[] = [];
    let path = '/api/v1/workflows?tag.region=eu&limit=1&offset=0&count=exact';
    for (;;) {
      const answer = await request(rest.doors.url, 'GET', path);
      seen.push(...idsOf(answer));
      expect(answer.body['total']).to.equal(3);
      const link = answer.headers.get('Link');
      expect(link === null).to.equal(answer.body['next_cursor'] === null);
      if (link === null) break;
      path = /^<(\/api\/v1\/workflows\?[^>]+)>; rel="next"$/.exec(link)?.[1] ?? '';
      expect(path).to.not.contain('offset');
    }
    expect(seen).to.deep.equal(['eu-3', 'eu-2', 'eu-1']);
  });

  it('refuse the cursor of another filter, and one that was made up', async () => {
    const { body } = await get('/workflows?limit=1');
    const cursor = encodeURIComponent(textOf(body['next_cursor']));
    for (const query of [`name=order&cursor=${cursor}`, 'cursor=made-up']) {
      const answer = await get(`/workflows?${query}`);
      expect(answer.status, query).to.equal(400);
      expect(JSON.stringify(answer.body['errors'])).to.contain('"pointer":"?cursor"');
    }
  });

  it('have the tasks of the newest workflows first, by type, state and node', async () => {
    const charged = await tasksOf('/tasks?type=charge&limit=2');
    expect(charged).to.deep.equal(['eu-3.1', 'us-1.1', 'eu-2.1', 'eu-1.1']);
    expect(await tasksOf('/tasks?type=charge&state=failed')).to.deep.equal([]);
    expect(await tasksOf('/tasks?type=charge&node=nobody')).to.deep.equal([]);
    expect(await tasksOf('/tasks?type=charge&node=a')).to.have.length(4);
  });

  /** Following the pages, however short they are. */
  async function tasksOf(path: string): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let next: string | null = path; next !== null;) {
      const { headers, body }: Answer = await get(next);
      ids.push(...objects(body['tasks']).map(({ id }) => textOf(id)));
      next = /^<\/api\/v1([^>]+)>/.exec(headers.get('Link') ?? '')?.[1] ?? null;
    }
    return ids;
  }
});

describe('what is read with an ETag', () => {
  it('is answered with 304 until it changes, also why a workflow waits', async () => {
    await using rest = await openRest();
    await rest.post('/workflows', { name: 'held', id: 'w' });
    await rest.finished('order', 'done');
    for (const path of [
      '/workflows/done',
      '/workflows/done/tasks',
      '/workflows/done/graph',
      '/tasks/done.0',
    ]) {
      const { headers } = await rest.get(path);
      const etag = headers.get('ETag') ?? '';
      expect(etag, path).to.match(/^"\d+"$/);
      // Without the second, fetch says no-cache by itself, which asks for the whole.
      const known = { 'If-None-Match': etag, 'Cache-Control': 'max-age=0' };
      expect((await rest.get(path, known)).status, path).to.equal(304);
      const other = { ...known, 'If-None-Match': '"0"' };
      expect((await rest.get(path, other)).status, path).to.equal(200);
    }

    const before = await rest.get('/workflows/w');
    expect(before.body).to.have.nested.property('why.code');
    expect(before.headers.get('ETag')).to.match(/^"\d+-\w+"$/);
    rest.held.open();
    await rest.get('/workflows/w/result?wait=20s');
    const after = await rest.get('/workflows/w', {
      'If-None-Match': before.headers.get('ETag') ?? '',
      'Cache-Control': 'max-age=0',
    });
    expect(after.status).to.equal(200);
    expect(after.body).to.not.have.property('why');
  });
});

describe('a node that is drained over REST', () => {
  it('hands its shards over, lives, and takes part again when it is undrained', async () => {
    await using rest = await openRest({ nodes: 2 });
    const shards = async (): Promise<number> =>
      Number((await rest.get('/cluster/nodes/b')).body['shards']);

    const drained = await rest.post('/cluster/nodes/b/drain');
    expect(drained.status).to.equal(202);
    expect(drained.body).to.include({ name: 'b', draining: true });
    while ((await shards()) > 0);
    const last = await rest.post('/cluster/nodes/a/drain');
    expect(last.body).to.include({ status: 409, code: 'LAST_NODE' });
    await rest.finished('order', 'meanwhile');

    const back = await rest.post('/cluster/nodes/b/undrain');
    expect(back.body).to.include({ name: 'b', draining: false });
    while ((await shards()) === 0);
  });
});

function idsOf({ body }: Answer): readonly string[] {
  return objects(body['workflows']).map(({ id }) => textOf(id));
}
