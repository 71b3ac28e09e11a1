import { Router } from 'express';

import { parseTaskId } from '#actors/ids.ts';
import type { ClusterApi } from '#cluster/api.ts';

import { notFound } from '../problems.ts';
import { noQuery } from '../schemas.ts';
import { parse } from '../validate.ts';
import { about, only, textParam } from './route.ts';

export function taskRoutes(cluster: ClusterApi): Router {
  const router = Router();

  router
    .route('/tasks/:id')
    .get(async (request, response) => {
      parse(noQuery, request.query, 'query');
      const id = textParam(request, 'id');
      about(response, { kind: 'task', id });
      const place = parseTaskId(id);
      if (place === null) throw notFound({ kind: 'task', id });
      const snapshot = await cluster.workflow(place.workflowId);
      const task = snapshot.tasks[place.step];
      if (task === undefined || task.id !== id) throw notFound({ kind: 'task', id });
      response.set('ETag', `"${snapshot.seq}"`).json(task);
    })
    .all(only('GET'));

  return router;
}
