import { hkdfSync } from 'node:crypto';

import { expect } from 'chai';
import { io, type Socket } from 'socket.io-client';

import { Gatekeeper } from '#http/auth/gatekeeper.ts';
import { seal } from '#http/auth/session-cookie.ts';
import { namespace } from '#http/live-protocol.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Answer, openDoors, request, type TestDoors } from '../support/doors.ts';
import { newKey, type TestKey } from '../support/keys.ts';

const reader = newKey('reader', 'read');
const operator = newKey('operator', 'operate');
const stranger = newKey('stranger', 'admin');

describe('a session', () => {
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    cluster = await startCluster({ definitions });
    doors = await openDoors(cluster.apis, {
      keys: [reader.key, operator.key],
      allowedOrigins: ['https://ops.example'],
    });
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const whoami = async (cookie: string, headers = {}): Promise<Answer> =>
    await request(doors.url, 'GET', '/api/v1/whoami', { headers: { Cookie: cookie, ...headers } });
  const login = async (key: string, headers = {}): Promise<Answer> =>
    await request(doors.url, 'POST', '/api/v1/session', { body: { key }, headers });
  const refused = async (cookie: string): Promise<void> => {
    const { status, body } = await whoami(cookie);
    expect(status, cookie).to.equal(401);
    expect(body['detail']).to.contain('sign in again');
  };

  it('is a cookie that scripts cannot read and other sites cannot make a browser send', async () => {
    const { status, headers, body } = await login(operator.text);
    expect(status).to.equal(200);
    expect(body).to.include({ name: 'operator', authentication: 'session' });
    const [cookie, ...attributes] = headers.getSetCookie()[0]?.split('; ') ?? [];
    expect(cookie)
      .to.match(/^temjob_session=[\w-]+$/)
      .and.not.contain(operator.text);
    expect(attributes).to.have.members(['Max-Age=43200', 'Path=/', 'HttpOnly', 'SameSite=Strict']);
    expect((await whoami(cookie ?? '')).body).to.deep.equal(body);
  });

  it('may do what its key may do', async () => {
    const body = { name: 'quick', id: 'by-session' };
    const start = async (key: TestKey): Promise<Answer> =>
      await request(doors.url, 'POST', '/api/v1/workflows', {
        body,
        headers: { Cookie: cookieFor(key), Origin: doors.url },
      });
    expect((await start(reader)).body).to.include({ status: 403, required_scope: 'operate' });
    expect((await start(operator)).status).to.equal(201);
  });

  it('is Secure where a trusted proxy says that the browser came by TLS, and only there', async () => {
    const byTls = { 'X-Forwarded-Proto': 'https' };
    expect((await login(reader.text, byTls)).headers.getSetCookie()[0]).to.not.contain('Secure');
    await using behind = await openDoors(cluster.apis, {
      keys: [reader.key],
      trustedProxies: ['loopback'],
    });
    const { headers } = await request(behind.url, 'POST', '/api/v1/session', {
      body: { key: reader.text },
      headers: byTls,
    });
    expect(headers.getSetCookie()[0]).to.contain('; Secure');
  });

  it('holds at every node, whatever other keys there are, and ends when its key is gone', async () => {
    const cookie = cookieFor(reader);
    await using others = await openDoors(cluster.apis, { keys: [stranger.key, reader.key] });
    await using without = await openDoors(cluster.apis, { keys: [operator.key, stranger.key] });
    const statusAt = async ({ url }: TestDoors): Promise<number> =>
      (await request(url, 'GET', '/api/v1/workflows', { headers: { Cookie: cookie } })).status;
    expect(await statusAt(doors)).to.equal(200);
    expect(await statusAt(others)).to.equal(200);
    expect(await statusAt(without)).to.equal(401);
  });

  it('ends when its time is over', async () => {
    await refused(cookieFor(reader, -1));
  });

  it('cannot be forged', async () => {
    const cookie = cookieFor(reader);
    for (let at = 'temjob_session='.length; at < cookie.length - 1; at += 7) {
      const other = cookie[at] === 'A' ? 'B' : 'A';
      await refused(cookie.slice(0, at) + other + cookie.slice(at + 1));
    }
    await refused('temjob_session=x');
    await refused(`temjob_session=${reader.text}`);
    // A key that is not configured here, and one that is, under the seal of another.
    await refused(cookieFor(stranger));
    await refused(sealedWith(operator, reader.text));
  });

  it('cannot be made by who has read the configuration, which has the hash and not the key', async () => {
    expect((await whoami(sealedWith(reader, reader.text))).status).to.equal(200);
    await refused(sealedWith(reader, reader.key.sha256));
    await refused(sealedWith(reader, ''));
  });

  it('is for pages of the door: those of other origins show a key, or change nothing', async () => {
    const cookie = cookieFor(reader);
    expect((await whoami(cookie, { Origin: doors.url })).status).to.equal(200);
    expect((await whoami(cookie, { Origin: 'https://ops.example' })).status).to.equal(401);
    expect((await whoami(cookie, { Origin: 'https://evil.example' })).status).to.equal(401);
    const write = async (origin: string): Promise<Answer> =>
      await request(doors.url, 'POST', '/api/v1/workflows', {
        body: { name: 'quick', id: 'crossing' },
        headers: { Cookie: cookieFor(operator), Origin: origin },
      });
    expect((await write('https://evil.example')).body['code']).to.equal('FOREIGN_ORIGIN');
    expect((await write('https://ops.example')).body['code']).to.equal('UNAUTHENTICATED');
    const headers = {
      Authorization: `Bearer ${operator.text}`,
      Origin: 'https://ops.example',
    };
    const body = { name: 'quick', id: 'by-key' };
    const { status } = await request(doors.url, 'POST', '/api/v1/workflows', { body, headers });
    expect(status).to.equal(201);
  });

  it('does not count beside a key, even a wrong one', async () => {
    const headers = { Authorization: 'Bearer tk_wrong' };
    expect((await whoami(cookieFor(reader), headers)).status).to.equal(401);
  });

  it('is ended by the browser that has it', async () => {
    const { status, headers } = await request(doors.url, 'DELETE', '/api/v1/session');
    expect(status).to.equal(200);
    expect(headers.getSetCookie()[0]).to.match(/^temjob_session=; Max-Age=0; /);
  });

  it('is not given for what is no key', async () => {
    expect((await login('')).body).to.include({ status: 400, code: 'INVALID_INPUT' });
    expect((await login('x'.repeat(8_000))).status).to.equal(413);
    const wrong = await login('tk_wrong');
    expect(wrong.body).to.include({ status: 401, code: 'UNAUTHENTICATED' });
    expect(wrong.headers.getSetCookie()).to.deep.equal([]);
  });

  it('is neither needed nor given where there are no keys', async () => {
    await using open = await openDoors(cluster.apis);
    const body = { key: 'anything' };
    const {
      status,
      headers,
      body: answer,
    } = await request(open.url, 'POST', '/api/v1/session', {
      body,
    });
    expect(status).to.equal(200);
    expect(answer).to.include({ name: 'anonymous', authentication: 'none' });
    expect(headers.getSetCookie()).to.deep.equal([]);
  });

  it('is refused for a while to an address with ten wrong keys, and right ones do not count', async () => {
    await using guarded = await openDoors(cluster.apis, { keys: [reader.key] });
    const answers: Answer[] = [];
    const keys = [...Array<string>(20).fill(reader.text), ...Array<string>(15).fill('tk_wrong')];
    for (const key of [...keys, reader.text]) {
      answers.push(await request(guarded.url, 'POST', '/api/v1/session', { body: { key } }));
    }
    const statuses = answers.map(({ status }) => status);
    expect(statuses.slice(0, 20).every((status) => status === 200)).to.equal(true);
    expect(statuses.slice(20)).to.deep.equal([...Array(10).fill(401), ...Array(6).fill(429)]);
    const last = answers.at(-1);
    expect(last?.body).to.include({ code: 'RATE_LIMITED' });
    expect(Number(last?.headers.get('Retry-After'))).to.be.within(1, 60);
  });

  describe('of a page that listens', () => {
    it('is asked for, as is a key', async () => {
      const none = await handshake(doors.url, {});
      expect(none).to.have.nested.property('refusal.data.status', 401);
      expect(none).to.have.nested.property('refusal.data.code', 'UNAUTHENTICATED');
      const wrong = await handshake(doors.url, { auth: { token: 'tk_wrong' } });
      expect(wrong).to.have.nested.property('refusal.data.message').that.contains('API key');
      for (const options of [
        { auth: { token: reader.text } },
        { extraHeaders: { Cookie: cookieFor(reader) } },
        { extraHeaders: { Authorization: `Bearer ${reader.text}` } },
      ]) {
        const { socket, refusal } = await handshake(doors.url, options);
        expect(refusal).to.equal(null);
        socket.disconnect();
      }
    });

    it('does not hold for pages of other origins', async () => {
      const allowed = await handshake(doors.url, cookieFrom('https://ops.example'));
      expect(allowed).to.have.nested.property('refusal.data.status', 401);
      const strange = await handshake(doors.url, cookieFrom('https://evil.example'));
      expect(strange.refusal?.message).to.equal('websocket error');
    });

    it('ends the connection when it ends', async () => {
      const Cookie = cookieFor(reader, 500);
      const { socket } = await handshake(doors.url, { extraHeaders: { Cookie } });
      const told = nextEvent(socket, 'refused');
      const gone = nextEvent(socket, 'disconnect');
      expect(await told).to.include({ status: 401, code: 'UNAUTHENTICATED' });
      expect(await gone).to.equal('io server disconnect');
    });
  });
});

const definitions = [
  workflow('quick')
    .task('only', { run: () => ({}) })
    .build(),
];

/** As the door would give it, for so long. */
function cookieFor({ text, key }: TestKey, forMs = 60_000): string {
  const gatekeeper = new Gatekeeper({ keys: [key], allowedOrigins: [] });
  return `temjob_session=${gatekeeper.startSession(text, Date.now() + forMs)}`;
}

/** As somebody would make it who knows how, and the hash of a key. */
function sealedWith({ key: { name, sha256 } }: TestKey, key: string): string {
  const digest = Buffer.from(sha256, 'hex');
  const secret = Buffer.from(hkdfSync('sha256', digest, '', 'temjob session 1', 32));
  return `temjob_session=${seal({ key, endsAt: Date.now() + 60_000 }, { name, secret })}`;
}

/** What a page of that origin would send, if a browser sent the cookie along. */
function cookieFrom(origin: string): { readonly extraHeaders: Record<string, string> } {
  return { extraHeaders: { Cookie: cookieFor(reader), Origin: origin } };
}

interface Handshake {
  readonly socket: Socket;
  readonly refusal: (Error & { data?: unknown }) | null;
}

async function handshake(
  url: string,
  options: { readonly auth?: object; readonly extraHeaders?: Record<string, string> },
): Promise<Handshake> {
  const socket = io(url + namespace, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    ...options,
  });
  const { promise, resolve } = Promise.withResolvers<Handshake>();
  socket.once('connect', () => resolve({ socket, refusal: null }));
  socket.once('connect_error', (refusal) => {
    socket.disconnect();
    resolve({ socket, refusal });
  });
  return await promise;
}

async function nextEvent(socket: Socket, name: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.once(name, resolve);
  return await promise;
}
