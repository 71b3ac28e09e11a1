import { once } from 'node:events';
import { connect } from 'node:net';

import { expect } from 'chai';
import { io, type Socket } from 'socket.io-client';

import { namespace } from '#http/live-protocol.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Answer, openDoors, rawStatus, request } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

const reader = newKey('reader', 'read');
const other = newKey('other', 'read');
const keys = [reader.key, other.key];

describe('the limits of the door', () => {
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster();
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  it('are so many requests of a key, of a session and of an address, each for itself', async () => {
    await using doors = await openDoors(cluster.apis, {
      keys,
      rateLimit: { requests: 5, windowMs: 60_000 },
    });
    const ask = async (headers: Record<string, string>): Promise<Answer> =>
      await request(doors.url, 'GET', '/api/v1/stats', { headers });
    const ofReader: Answer[] = [];
    for (let n = 0; n < 8; n += 1) ofReader.push(await ask(bearer(reader.text)));
    expect(ofReader.map(({ status }) => status)).to.deep.equal([
      ...Array(5).fill(200),
      ...Array(3).fill(429),
    ]);

    const [first] = ofReader;
    expect(first?.headers.get('RateLimit-Policy')).to.match(/^"requests"; q=5; w=60; pk=/);
    expect(first?.headers.get('RateLimit')).to.match(/^"requests"; r=4; t=\d+$/);
    const last = ofReader.at(-1);
    expect(last?.body).to.include({ status: 429, code: 'RATE_LIMITED' });
    expect(last?.headers.get('Content-Type')).to.match(/^application\/problem\+json/);
    expect(Number(last?.headers.get('Retry-After'))).to.be.within(1, 60);

    expect((await ask(bearer(other.text))).status).to.equal(200);
    const nobody: number[] = [];
    for (let n = 0; n < 7; n += 1) nobody.push((await ask({})).status);
    expect(nobody).to.deep.equal([...Array(5).fill(401), 429, 429]);
    const metrics = await request(doors.url, 'GET', '/metrics', { headers: bearer(reader.text) });
    expect(metrics.status).to.equal(429);
    for (const path of ['/livez', '/readyz', '/icon.svg', '/']) {
      const headers = { ...bearer(reader.text), Accept: 'text/html' };
      const response = await fetch(doors.url + path, { headers });
      expect(response.status, path).to.equal(200);
      expect(response.headers.get('RateLimit'), path).to.equal(null);
      await response.body?.cancel();
    }
  });

  it('count by the address that a trusted proxy names, and by no other', async () => {
    const rateLimit = { requests: 2, windowMs: 60_000 };
    const statuses = async (trustedProxies: readonly string[]): Promise<readonly number[]> => {
      await using doors = await openDoors(cluster.apis, { keys, rateLimit, trustedProxies });
      const got: number[] = [];
      for (let n = 1; n <= 4; n += 1) {
        const headers = { 'X-Forwarded-For': `192.0.2.${n}` };
        got.push((await request(doors.url, 'GET', '/api/v1/stats', { headers })).status);
      }
      return got;
    };
    expect(await statuses(['loopback'])).to.deep.equal([401, 401, 401, 401]);
    expect(await statuses([])).to.deep.equal([401, 401, 429, 429]);
  });

  it('are 50 messages of a page in 10 s: it is told why, and disconnected', async () => {
    await using doors = await openDoors(cluster.apis);
    const socket = await listener(doors.url);
    const told = nextEvent(socket, 'refused');
    const gone = nextEvent(socket, 'disconnect');
    const say = async (): Promise<unknown> =>
      await socket.emitWithAck('unsub', { topic: 'workflows' });
    for (let n = 0; n < 50; n += 1) expect(await say()).to.deep.equal({ ok: true });
    socket.emit('unsub', { topic: 'workflows' });
    expect(await told).to.include({ status: 429, code: 'RATE_LIMITED' });
    expect(await gone).to.equal('io server disconnect');
  });

  it('leave requests a fifth of the connections when pages take all others', async () => {
    await using doors = await openDoors(cluster.apis, { maxConnections: 10 });
    const sockets = await Promise.all(Array.from({ length: 8 }, () => listener(doors.url)));
    await expectRefusal(listener(doors.url), 'websocket error');
    expect((await request(doors.url, 'GET', '/api/v1/stats')).status).to.equal(200);
    for (const socket of sockets) socket.disconnect();
  });

  it('are no pages outside of the namespace of the live protocol', async () => {
    await using doors = await openDoors(cluster.apis);
    await expectRefusal(listener(doors.url, '/'), `the live protocol is at ${namespace}`);
    await expectRefusal(listener(doors.url, '/other'), 'Invalid namespace');
  });

  it('are 16 KiB of address and headers: 431', async () => {
    await using doors = await openDoors(cluster.apis);
    const long = 'x'.repeat(17 * 1024);
    expect(await rawStatus(doors.url, `/api/v1/stats?${long}`)).to.equal(431);
    expect(await rawStatus(doors.url, '/livez', { 'X-Long': long })).to.equal(431);
  });

  it('are a connection for each that the door has: the next is closed', async () => {
    await using doors = await openDoors(cluster.apis, { maxConnections: 2 });
    const port = Number(new URL(doors.url).port);
    const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(held.map(async (socket) => await once(socket, 'connect')));
    const refused = connect(port, '127.0.0.1');
    await once(refused.resume(), 'close');
    for (const socket of held) socket.destroy();
  });
});

describe('the answers to pages of other origins', () => {
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster();
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  it('may be read by those that are allowed, without cookies', async () => {
    await using doors = await openDoors(cluster.apis, {
      keys,
      allowedOrigins: ['https://ops.example'],
    });
    const preflight = await request(doors.url, 'OPTIONS', '/api/v1/workflows', {
      headers: {
        Origin: 'https://ops.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers.get('Access-Control-Allow-Origin')).to.equal('https://ops.example');
    expect(preflight.headers.get('Access-Control-Allow-Methods')).to.contain('POST');
    expect(preflight.headers.get('Access-Control-Allow-Headers')).to.match(
      /Authorization.*Content-Type.*Idempotency-Key/,
    );
    for (const headers of [bearer(reader.text), {}]) {
      const answer = await request(doors.url, 'GET', '/api/v1/stats', {
        headers: { ...headers, Origin: 'https://ops.example' },
      });
      expect(answer.headers.get('Access-Control-Allow-Origin')).to.equal('https://ops.example');
      expect(answer.headers.get('Access-Control-Expose-Headers')).to.contain('Retry-After');
      expect(answer.headers.get('Access-Control-Allow-Credentials')).to.equal(null);
      expect(answer.headers.get('Vary')).to.contain('Origin');
    }
  });

  it('are for no other page', async () => {
    await using doors = await openDoors(cluster.apis, {
      keys,
      allowedOrigins: ['https://ops.example'],
    });
    for (const origin of ['https://evil.example', 'http://ops.example', 'null']) {
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await request(doors.url, method, '/api/v1/stats', {
          headers: {
            ...bearer(reader.text),
            Origin: origin,
            'Access-Control-Request-Method': 'POST',
          },
        });
        expect(answer.headers.get('Access-Control-Allow-Origin'), origin).to.equal(null);
        expect(answer.headers.get('Vary')).to.contain('Origin');
      }
    }
  });

  it('let pages connect to the door itself and nowhere else', async () => {
    await using doors = await openDoors(cluster.apis);
    const { host } = new URL(doors.url);
    const { headers } = await request(doors.url, 'GET', '/livez');
    expect(headers.get('Content-Security-Policy')?.split(';')).to.include(
      `connect-src 'self' ws://${host} wss://${host}`,
    );
  });
});

function bearer(key: string): Record<string, string> {
  return { Authorization: `Bearer ${key}` };
}

async function listener(url: string, name = namespace): Promise<Socket> {
  const socket = io(url + name, { transports: ['websocket'], reconnection: false, forceNew: true });
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  socket.once('connect', () => resolve(socket));
  socket.once('connect_error', (error) => {
    socket.disconnect();
    reject(error);
  });
  return await promise;
}

async function expectRefusal(attempt: Promise<Socket>, message: string): Promise<void> {
  const refusal = await attempt.then(
    () => null,
    (error: unknown) => error,
  );
  expect(refusal).to.have.property('message', message);
}

async function nextEvent(socket: Socket, name: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.once(name, resolve);
  return await promise;
}
