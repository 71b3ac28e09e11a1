import type { Request, RequestHandler, Response } from 'express';

import { ProblemError, type Resource } from '../problems.ts';

const resources = new WeakMap<Response, Resource>();

/** Notes what the request is about, so that "not found" can name it. */
export function about(response: Response, resource: Resource): void {
  resources.set(response, resource);
}

export function resourceOf(response: Response): Resource | undefined {
  return resources.get(response);
}

/** The last handler of a path: any other method is answered by naming those that there are. */
export function only(...methods: readonly string[]): RequestHandler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', allow).end();
      return;
    }
    throw new ProblemError({
      status: 405,
      title: 'Method not allowed',
      code: 'METHOD_NOT_ALLOWED',
      detail: `${request.method} is not possible here; ${methods.join(' and ')} ${methods.length === 1 ? 'is' : 'are'}.`,
      headers: { Allow: allow },
    });
  };
}

export function textParam(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}
