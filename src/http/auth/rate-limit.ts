import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, type Options, rateLimit as limiter } from 'express-rate-limit';

import { ProblemError } from '../problems.ts';
import { admissionOf } from './principal.ts';

/*
 * Counted by each node for itself, in memory: a cluster of three lets three times as much pass. That is enough for what limits
 * are for here, which is to keep one caller from crowding out the others.
 */
export interface RateLimit {
  readonly requests: number;
  readonly windowMs: number;
}

const failedLogins: RateLimit = { requests: 10, windowMs: 60_000 };

/** So many requests for each key, and for each address of those who show none. */
export function rateLimit(limit: RateLimit): RequestHandler {
  const { requests, windowMs } = limit;
  return limiter({
    ...common(limit),
    identifier: 'requests',
    keyGenerator: (request) => {
      const admission = admissionOf(request);
      const isNamed = admission.type === 'admitted' && admission.principal.by !== 'none';
      return isNamed ? `${admission.principal.by} ${admission.principal.name}` : addressOf(request);
    },
    handler: (_request, response, next) => {
      const detail = `No more than ${requests} requests in ${windowMs / 1000} s are taken.`;
      next(rateLimited(detail, response));
    },
  });
}

/** Few wrong keys from each address; right ones are not counted. */
export function limitFailedLogins(): RequestHandler {
  const { requests, windowMs } = failedLogins;
  return limiter({
    ...common(failedLogins),
    identifier: 'failed-logins',
    keyGenerator: addressOf,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, response) => response.statusCode !== 401,
    handler: (_request, response, next) => {
      const detail = `There were ${requests} wrong keys from this address in ${windowMs / 1000} s.`;
      next(rateLimited(detail, response));
    },
  });
}

function common({ requests, windowMs }: RateLimit): Partial<Options> {
  return {
    limit: requests,
    windowMs,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // A request with X-Forwarded-For and no trusted proxy is no mistake here, but a caller who makes it up.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
  };
}

/** An IPv6 caller has a whole network of addresses; the network counts. */
function addressOf(request: Request): string {
  return `address ${ipKeyGenerator(request.ip ?? '')}`;
}

function rateLimited(detail: string, response: Response): ProblemError {
  // The limiter has written when its window ends.
  const retryAfterMs = Number(response.getHeader('Retry-After')) * 1000;
  return new ProblemError('RATE_LIMITED', detail, { retryAfterMs });
}
