import { type Request, Router } from 'express';

import { principalOf } from '../auth/principal.ts';
import { noQuery } from '../schemas.ts';
import { parse } from '../validate.ts';
import { only } from './route.ts';

/** Who is asking, and what that one may do: what a page shows or hides by. */
export function sessionRoutes(options: { readonly dev: boolean }): Router {
  const router = Router();

  router
    .route('/whoami')
    .get((request, response) => {
      parse(noQuery, request.query, 'query');
      response.json(whoami(request, options.dev));
    })
    .all(only('GET'));

  return router;
}

function whoami(request: Request, dev: boolean) {
  const { name, scopes, by } = principalOf(request);
  return { name, scopes, authentication: by, dev };
}
