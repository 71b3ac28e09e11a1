import { expect } from 'chai';

import { Gatekeeper } from '#http/auth/gatekeeper.ts';
import { createDoor } from '#http/server.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Answer, openDoors, rawStatus, request, type TestDoors } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

const reader = newKey('reader', 'read');
const operator = newKey('operator', 'operate');
const admin = newKey('admin', 'admin');
const keys = [reader.key, operator.key, admin.key];

describe('a door with keys', () => {
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    cluster = await startCluster({ definitions });
    doors = await openDoors(cluster.apis, { keys });
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const call = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: unknown,
  ): Promise<Answer> => await request(doors.url, method, path, { headers, body });

  it('says what to do to who shows no key, and challenges', async () => {
    for (const path of ['/api/v1/whoami', '/api/v1/workflows', '/api/v1/nothing', '/api']) {
      const { status, headers, body } = await call('GET', path);
      expect(status, path).to.equal(401);
      expect(body['code']).to.equal('UNAUTHENTICATED');
      expect(body['detail']).to.contain('Authorization: Bearer');
      expect(headers.get('WWW-Authenticate')).to.equal('Bearer realm="temjob"');
      expect(headers.get('Content-Type')).to.match(/^application\/problem\+json/);
    }
  });

  it('refuses keys that are not configured, however close they are', async () => {
    const wrong = [
      'tk_wrong',
      reader.text.slice(0, -1),
      `${reader.text}x`,
      reader.text.toUpperCase(),
      reader.key.sha256,
      `${reader.text} ${operator.text}`,
    ];
    for (const text of wrong) {
      const { status, headers, body } = await call('GET', '/api/v1/whoami', bearer(text));
      expect(status, text).to.equal(401);
      expect(body['detail']).to.contain('none of those that are configured');
      expect(headers.get('WWW-Authenticate')).to.contain('error="invalid_token"');
    }
  });

  it('takes a key as bearer token or as X-API-Key, and says who it is with all scopes', async () => {
    const all = ['read', 'operate', 'admin'];
    for (const [index, { text, key }] of [reader, operator, admin].entries()) {
      for (const headers of [bearer(text), { 'X-API-Key': text }]) {
        const { status, body } = await call('GET', '/api/v1/whoami', headers);
        expect(status).to.equal(200);
        expect(body).to.deep.equal({
          name: key.name,
          scopes: all.slice(0, index + 1),
          authentication: 'key',
          dev: true,
        });
      }
    }
  });

  it('lets the bearer token count when there is an X-API-Key too, and another scheme not at all', async () => {
    const both = { ...bearer('tk_wrong'), 'X-API-Key': reader.text };
    expect((await call('GET', '/api/v1/whoami', both)).status).to.equal(401);
    const proxied = { Authorization: 'Basic dTpw', 'X-API-Key': reader.text };
    expect((await call('GET', '/api/v1/whoami', proxied)).status).to.equal(200);
  });

  it('names the scope that is missing', async () => {
    const body = { name: 'quick', id: 'not-for-readers' };
    const answer = await call('POST', '/api/v1/workflows', bearer(reader.text), body);
    expect(answer.status).to.equal(403);
    expect(answer.body).to.include({ code: 'FORBIDDEN', required_scope: 'operate' });
    expect(answer.body['detail']).to.equal(
      'This needs the scope "operate"; the key "reader" has read.',
    );
    expect(answer.headers.get('WWW-Authenticate')).to.contain('insufficient_scope');
    const { status } = await call('GET', `/api/v1/workflows/${body.id}`, bearer(reader.text));
    expect(status).to.equal(404);
  });

  it('refuses before it reads the body', async () => {
    const { status } = await call('POST', '/api/v1/workflows', {}, '{"not json');
    expect(status).to.equal(401);
  });

  it('asks for no key where a probe or a browser comes first', async () => {
    for (const path of ['/livez', '/readyz', '/', '/workflows/some', '/icon.svg']) {
      const headers = { ...bearer('tk_wrong'), Accept: 'text/html' };
      const response = await fetch(doors.url + path, { headers });
      expect(response.status, path).to.equal(200);
      await response.body?.cancel();
    }
  });
});

describe('a door without keys', () => {
  it('lets everyone on this machine do everything', async () => {
    await using cluster = await startCluster({ definitions });
    await using doors = await openDoors(cluster.apis);
    const { body } = await request(doors.url, 'GET', '/api/v1/whoami');
    expect(body).to.deep.equal({
      name: 'anonymous',
      scopes: ['read', 'operate', 'admin'],
      authentication: 'none',
      dev: true,
    });
  });
});

describe('a door for everyone on the network', () => {
  it('is opened only with a key, answers to any name, and asks for the key', async () => {
    await using cluster = await startCluster({ definitions });
    const options = { cluster: cluster.api, host: '0.0.0.0', port: 0, dev: true, log: console };
    const refusal = await createDoor(options).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refusal).to.have.property('code', 'NOT_LOOPBACK');
    expect(refusal).to.have.property('message').that.contains('server.auth.keys');

    await using doors = await openDoors(cluster.apis, { host: '0.0.0.0', keys });
    const here = `http://127.0.0.1:${new URL(doors.url).port}`;
    expect(doors.url).to.not.contain('0.0.0.0');
    expect((await request(here, 'GET', '/api/v1/whoami')).status).to.equal(401);
    const headers = bearer(reader.text);
    expect((await request(here, 'GET', '/api/v1/whoami', { headers })).status).to.equal(200);
    const named = { ...headers, Host: 'temjob.example.com' };
    expect(await rawStatus(here, '/api/v1/whoami', named)).to.equal(200);
  });
});

describe('the keys of a door', () => {
  it('are hashes: a key itself is refused, and not repeated', () => {
    const complaint = withKeys({ ...reader.key, sha256: reader.text });
    expect(complaint).to.contain('"reader"').and.contain('64 hexadecimal digits');
    expect(complaint).to.not.contain(reader.text);
  });

  it('have names of their own, and a scope', () => {
    expect(withKeys(reader.key, { ...admin.key, name: 'reader' })).to.contain('two API keys');
    expect(withKeys({ ...reader.key, scopes: [] })).to.contain('scope');
    expect(withKeys(reader.key, { ...admin.key, sha256: admin.key.sha256.toUpperCase() })).to.equal(
      'false',
    );
  });

  it('let pages of origins call that are whole origins', () => {
    for (const origin of ['*', 'example.com', 'https://a.example/path', 'null', 'file:///x']) {
      expect(complaintOf({ keys, allowedOrigins: [origin] }), origin).to.contain('no origin');
    }
    expect(complaintOf({ keys, allowedOrigins: ['https://a.example:8443'] })).to.equal('false');
  });
});

const definitions = [
  workflow('quick')
    .task('only', { run: () => ({}) })
    .build(),
];

function bearer(text: string): Record<string, string> {
  return { Authorization: `Bearer ${text}` };
}

function withKeys(...given: (typeof keys)[number][]): string {
  return complaintOf({ keys: given, allowedOrigins: [] });
}

function complaintOf(given: ConstructorParameters<typeof Gatekeeper>[0]): string {
  try {
    return String(new Gatekeeper(given).isOpen);
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}
