import { expect } from 'chai';

import { Gatekeeper } from '#http/auth/gatekeeper.ts';
import type { Scope } from '#http/auth/principal.ts';
import type { Route } from '#http/routes/route.ts';
import { allRoutes } from '#http/routes/table.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Answer, openDoors, request, type TestDoors } from '../support/doors.ts';
import { newKey } from '../support/keys.ts';

const order: readonly Scope[] = ['read', 'operate', 'admin'];
const keys = order.map((scope) => newKey(`may-${scope}`, scope));

/** Said once more, by hand: what the table of routes says is compared with it. */
function scopeOf({ method, path }: Route): Scope | null {
  if (['/livez', '/healthz', '/readyz', '/startupz', '/api/v1/session'].includes(path)) return null;
  if (method === 'get') return 'read';
  if (/^\/api\/v1\/(cluster|dev)\//.test(path)) return 'admin';
  return 'operate';
}

describe('the scopes', () => {
  let cluster: TestCluster;
  let doors: TestDoors;

  before(async () => {
    cluster = await startCluster();
    doors = await openDoors(cluster.apis, { keys: keys.map(({ key }) => key) });
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  /** Of something that does not exist, with a body that is wrong: who may do it gets another error, and nothing happens. */
  const ask = async (route: Route, headers: Record<string, string>): Promise<Answer> => {
    const path = route.path.replaceAll(/\{\w+\}/g, 'nothing');
    const body = route.method === 'post' ? { body: { '': 0 } } : {};
    return await request(doors.url, route.method.toUpperCase(), path, { headers, ...body });
  };

  for (const route of allRoutes) {
    const scope = scopeOf(route);
    it(`ask for ${scope ?? 'nothing'} at ${route.method.toUpperCase()} ${route.path}, of keys and of sessions`, async () => {
      expect(route.scope).to.equal(scope);
      const { status } = await ask(route, {});
      expect(status === 401, 'without a key').to.equal(scope !== null);
      for (const [rank, { text, key }] of keys.entries()) {
        const gatekeeper = new Gatekeeper({ keys: [key], allowedOrigins: [] });
        const session = gatekeeper.startSession(text, Date.now() + 60_000) ?? '';
        for (const headers of [
          { Authorization: `Bearer ${text}` },
          { Cookie: `temjob_session=${session}` },
        ]) {
          const answer = await ask(route, headers);
          const isEnough = scope === null || order.indexOf(scope) <= rank;
          expect([401, 403].includes(answer.status), key.name).to.equal(!isEnough);
          if (isEnough) continue;
          expect(answer.body).to.include({ code: 'FORBIDDEN', required_scope: scope });
        }
      }
    });
  }

  it('are asked for by default: what no route declares is refused without a key, too', async () => {
    for (const path of ['/api', '/api/', '/api/v1', '/api/v2/workflows', '/api/v1/workflows/']) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const { status } = await request(doors.url, method, path);
        // 405: there is something, and it cannot be done to it by anyone.
        expect(status, `${method} ${path}`).to.be.oneOf([401, 405]);
      }
    }
  });
});
