import { z } from 'zod';

import { type OpenApi, openApiOf } from '../openapi.ts';
import { type Route, route } from './route.ts';

/** The document of these routes, itself among them. */
export function documentRoute(routes: () => readonly Route[]): Route {
  let document: OpenApi | null = null;
  return route({
    method: 'get',
    path: '/api/openapi.json',
    id: 'getOpenApi',
    tag: 'Documentation',
    scope: 'read',
    summary: 'Shows this document',
    takes: {},
    gives: {
      200: {
        what: 'All routes with their schemas, as OpenAPI 3.1.',
        body: z.looseObject({ openapi: z.string() }),
      },
    },
    handle: async () => {
      // Made when somebody wants it: it takes longer than any answer.
      document ??= openApiOf(routes());
      return { status: 200, body: { ...document } };
    },
  });
}
