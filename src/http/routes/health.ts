import { type ClusterApi, ClusterError } from '#cluster/api.ts';

import { ProblemError } from '../problems.ts';
import { alive, ready, readyQuery, started } from '../schemas/health.ts';
import { route } from './route.ts';

// A balancer that asks every second must not pile up questions behind a database that hangs.
const readyWithinMs = 2_000;

/** `/healthz` is the older name. */
const live = ['/livez', '/healthz'].map((path) =>
  route({
    method: 'get',
    path,
    id: path === '/livez' ? 'isAlive' : 'isHealthy',
    tag: 'Health',
    scope: null,
    summary: 'Says that the process answers',
    description: 'Whatever else is wrong: a restart would not mend a database.',
    takes: {},
    gives: { 200: { what: 'It does.', body: alive } },
    handle: async () => ({ status: 200, body: { status: 'ok' } }) as const,
  }),
);

const isReady = route({
  method: 'get',
  path: '/readyz',
  id: 'isReady',
  tag: 'Health',
  scope: null,
  summary: 'Says whether this node can serve',
  description:
    'It cannot while it drains, while MySQL or Redis does not answer, and while it cannot tell the other nodes of itself.',
  takes: { query: readyQuery },
  gives: { 200: { what: 'It can.', body: ready } },
  refuses: ['DRAINING', 'UNAVAILABLE'],
  handle: async ({ query }, { cluster, leaving }) => {
    const leaves = leaving.aborted ? goesDown : null;
    if (query.verbose) {
      const checks = await within(readyWithinMs, cluster.readiness());
      const missing = checks.find(({ ok }) => !ok);
      if (leaves === null && missing === undefined) {
        return { status: 200, body: { status: 'ready', checks } } as const;
      }
      const code = leaves !== null || missing?.name === 'serving' ? 'DRAINING' : 'UNAVAILABLE';
      throw new ProblemError(code, leaves ?? missing?.why ?? '', { more: { checks } });
    }
    if (leaves !== null) throw new ClusterError('DRAINING', leaves);
    await within(readyWithinMs, cluster.ready());
    return { status: 200, body: { status: 'ready' } } as const;
  },
});

const goesDown = 'this node is going down';

/** Nodes that have served once: what is wrong later is not for who waits for a start. */
const served = new WeakSet<ClusterApi>();

const hasStarted = route({
  method: 'get',
  path: '/startupz',
  id: 'hasStarted',
  tag: 'Health',
  scope: null,
  summary: 'Says whether this node has been able to serve since it began',
  takes: {},
  gives: { 200: { what: 'It has.', body: started } },
  refuses: ['DRAINING', 'UNAVAILABLE'],
  handle: async (_call, { cluster }) => {
    if (!served.has(cluster)) await within(readyWithinMs, cluster.ready());
    served.add(cluster);
    return { status: 200, body: { status: 'started' } } as const;
  },
});

export const healthRoutes = [...live, isReady, hasStarted];

async function within<Answer>(ms: number, answer: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new ClusterError('UNAVAILABLE', `this node could not say within ${ms} ms that it is ready`),
    );
  }, ms);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
