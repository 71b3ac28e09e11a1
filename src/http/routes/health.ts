import { ClusterError } from '#cluster/api.ts';

import { alive, ready } from '../schemas/health.ts';
import { route } from './route.ts';

// A balancer that asks every second must not pile up questions behind a database that hangs.
const readyWithinMs = 2_000;

const live = route({
  method: 'get',
  path: '/livez',
  id: 'isAlive',
  tag: 'Health',
  scope: null,
  summary: 'Says that the process answers',
  description: 'Whatever else is wrong: a restart would not mend a database.',
  takes: {},
  gives: { 200: { what: 'It does.', body: alive } },
  handle: async () => ({ status: 200, body: { status: 'ok' } }) as const,
});

const isReady = route({
  method: 'get',
  path: '/readyz',
  id: 'isReady',
  tag: 'Health',
  scope: null,
  summary: 'Says whether this node can serve',
  takes: {},
  gives: { 200: { what: 'It can.', body: ready } },
  refuses: ['DRAINING', 'UNAVAILABLE'],
  handle: async (_call, { cluster, leaving }) => {
    if (leaving.aborted) throw new ClusterError('DRAINING', 'this node is going down');
    await within(readyWithinMs, cluster.ready());
    return { status: 200, body: { status: 'ready' } } as const;
  },
});

export const healthRoutes = [live, isReady];

async function within(ms: number, answer: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new ClusterError('UNAVAILABLE', `this node could not say within ${ms} ms that it is ready`),
    );
  }, ms);
  try {
    await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
