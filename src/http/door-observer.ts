import type { Request, RequestHandler, Response } from 'express';

/** Who wants to know what the door does, for metrics. */
export interface DoorObserver {
  /** A request was answered, or its client has gone; `route` is the pattern of its path. */
  answered(request: {
    readonly method: string;
    readonly route: string;
    readonly status: string;
    readonly ms: number;
  }): void;
  /** A page needed the whole of a topic again. */
  resynced(reason: string): void;
}

/** Tells of every request, in words of which there are few. */
export function observed(observer: DoorObserver): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.once('close', () => {
      observer.answered({
        method: methods.has(request.method) ? request.method : 'other',
        route: routeOf(request),
        status: statusOf(response),
        ms: performance.now() - startedAt,
      });
    });
    next();
  };
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** As the API's documents write it. What has no route of its own is a file of the console, or nothing. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'other';
  return typeof route.path === 'string' ? route.path.replaceAll(/:(\w+)/g, '{$1}') : 'other';
}

function statusOf(response: Response): string {
  return response.writableFinished ? String(response.statusCode) : 'aborted';
}
