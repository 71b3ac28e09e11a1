import { Router } from 'express';

import type { ClusterApi } from '#cluster/api.ts';

import { noQuery } from '../schemas.ts';
import { parse } from '../validate.ts';
import { only } from './route.ts';

export function clusterRoutes(cluster: ClusterApi): Router {
  const router = Router();

  router
    .route('/stats')
    .get(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const { pending, running, completed, failed, canceled } = await cluster.stats();
      response.json({
        total_workflows: pending + running + completed + failed + canceled,
        pending,
        running,
        completed,
        failed,
        canceled,
      });
    })
    .all(only('GET'));

  router
    .route('/cluster')
    .get(async (request, response) => {
      parse(noQuery, request.query, 'query');
      response.json(await cluster.cluster());
    })
    .all(only('GET'));

  return router;
}
