import { type Request, type Response, Router } from 'express';

import type { ActorCall, ClusterApi } from '#cluster/api.ts';

import { actorBody, actorPath, noQuery } from '../schemas.ts';
import { parse } from '../validate.ts';
import { about, only } from './route.ts';

export function actorRoutes(cluster: ClusterApi): Router {
  const router = Router();

  router
    .route('/actors/:name/:key/ask')
    .post(async (request, response) => {
      response.json({ reply: await cluster.ask(callOf(request, response)) });
    })
    .all(only('POST'));

  router
    .route('/actors/:name/:key/tell')
    .post(async (request, response) => {
      await cluster.tell(callOf(request, response));
      response.status(202).json({ accepted: true });
    })
    .all(only('POST'));

  router
    .route('/actors/:name/:key/resume')
    .post(async (request, response) => {
      const { name, key } = actorOf(request, response);
      await cluster.resumeActor(name, key);
      response.json({ message: 'Actor resumed successfully' });
    })
    .all(only('POST'));

  return router;
}

function callOf(request: Request, response: Response): ActorCall {
  const { name, key } = actorOf(request, response);
  const { message, payload, id, timeout } = parse(actorBody, request.body);
  return {
    name,
    key,
    on: message,
    payload,
    ...(id === undefined ? {} : { id }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
}

function actorOf(request: Request, response: Response): { name: string; key: string } {
  parse(noQuery, request.query, 'query');
  const { name, key } = parse(actorPath, request.params, 'path');
  about(response, { kind: 'actor', id: `${name}/${key}` });
  return { name, key };
}
