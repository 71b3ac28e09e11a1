import { Router } from 'express';

import { type ClusterApi, ClusterError } from '#cluster/api.ts';

import { only } from './route.ts';

// A balancer that asks every second must not pile up questions behind a database that hangs.
const readyWithinMs = 2_000;

export function healthRoutes(cluster: ClusterApi, leaving: AbortSignal): Router {
  const router = Router();

  // The process answers, whatever else is wrong: a restart would not mend a database.
  router
    .route('/livez')
    .get((_request, response) => {
      response.json({ status: 'ok' });
    })
    .all(only('GET'));

  router
    .route('/readyz')
    .get(async (_request, response) => {
      if (leaving.aborted) throw new ClusterError('DRAINING', 'this node is going down');
      await within(readyWithinMs, cluster.ready());
      response.json({ status: 'ready' });
    })
    .all(only('GET'));

  return router;
}

async function within(ms: number, ready: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new ClusterError('UNAVAILABLE', `this node could not say within ${ms} ms that it is ready`),
    );
  }, ms);
  try {
    await Promise.race([ready, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
