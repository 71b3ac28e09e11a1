import { type Request, type RequestHandler, type Response, Router } from 'express';

import { principalOf, type Scope } from './auth/principal.ts';
import { ProblemError } from './problems.ts';
import type { Route, Surroundings } from './routes/route.ts';

/** What the door adds to each request. */
export interface Place extends Pick<
  Surroundings,
  'cluster' | 'sessions' | 'leaving' | 'dev' | 'metrics'
> {
  /** Throws a `ProblemError` when whoever asks may not do what has this scope. */
  readonly guard: (request: Request, scope: Scope) => void;
  /** Puts the body on the request, or refuses it. */
  readonly readBody: readonly RequestHandler[];
}

/** Puts the routes at their paths; any other method there is answered by naming those that there are. */
export function routerOf(routes: readonly Route[], place: Place): Router {
  const router = Router();
  for (const [path, here] of Map.groupBy(routes, (route) => route.path)) {
    const at = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of here) at[route.method](...handlersOf(route, place));
    at.all(only(here.map(({ method }) => method.toUpperCase())));
  }
  return router;
}

/** Who may not ask is refused before the body is read. */
function handlersOf({ scope, ...route }: Route, place: Place): readonly RequestHandler[] {
  const guard: RequestHandler = (request, _response, next) => {
    if (scope !== null) place.guard(request, scope);
    next();
  };
  const answer: RequestHandler = async (request, response) => {
    const { status, body, headers } = await route.serve(
      {
        path: request.params,
        query: request.query,
        body: request.body,
        header: (name) => request.get(name),
      },
      surroundingsOf(request, response, place),
    );
    // Whoever asked may have gone meanwhile.
    if (response.destroyed) return;
    const media = route.gives[status]?.media;
    response.status(status);
    if (media === undefined) response.set(headers ?? {}).json(body);
    else
      response
        .type(media)
        .set(headers ?? {})
        .send(body);
  };
  return [guard, ...(route.method === 'get' ? [] : place.readBody), answer];
}

function surroundingsOf(request: Request, response: Response, place: Place): Surroundings {
  return {
    cluster: place.cluster,
    sessions: place.sessions,
    client: { address: request.ip ?? '', isSecure: request.secure },
    leaving: place.leaving,
    dev: place.dev,
    metrics: place.metrics,
    principal: () => principalOf(request),
    url: request.originalUrl,
    gone: () => {
      const gone = new AbortController();
      if (response.destroyed) gone.abort();
      else response.once('close', () => gone.abort());
      return gone.signal;
    },
  };
}

function only(methods: readonly string[]): RequestHandler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', allow).end();
      return;
    }
    throw new ProblemError(
      'METHOD_NOT_ALLOWED',
      `${request.method} is not possible here; ${methods.join(' and ')} ${methods.length === 1 ? 'is' : 'are'}.`,
      { headers: { Allow: allow } },
    );
  };
}
