import { Router } from 'express';

import type { ClusterApi } from '#cluster/api.ts';

import { definitionQuery, noQuery } from '../schemas.ts';
import { parse } from '../validate.ts';
import { about, only, textParam } from './route.ts';

export function definitionRoutes(cluster: ClusterApi): Router {
  const router = Router();

  router
    .route('/definitions')
    .get(async (request, response) => {
      parse(noQuery, request.query, 'query');
      response.json({ definitions: await cluster.definitions() });
    })
    .all(only('GET'));

  router
    .route('/definitions/:name')
    .get(async (request, response) => {
      const { version } = parse(definitionQuery, request.query, 'query');
      const name = textParam(request, 'name');
      about(response, { kind: 'definition', id: name });
      response.json(await cluster.definition(name, version));
    })
    .all(only('GET'));

  return router;
}
