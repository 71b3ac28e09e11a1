import type { RequestHandler } from 'express';

import type { Gatekeeper } from './auth/gatekeeper.ts';

const methods = 'GET, HEAD, POST, DELETE';
const requestHeaders =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, X-API-Key, X-Request-Id, traceparent, tracestate';
const answerHeaders =
  'ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id';
const preflightSeconds = 600;

/**
 * Lets pages of the allowed origins read answers. They show a key: cookies are not for them, so there is no
 * `Access-Control-Allow-Credentials`. To a page of any other origin it says nothing, which is a no.
 */
export function cors(gatekeeper: Gatekeeper): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    // Or a cache would give one origin's answer to another.
    response.vary('Origin');
    if (!gatekeeper.allows(origin)) return next();
    response.set('Access-Control-Allow-Origin', origin);
    const isPreflight =
      request.method === 'OPTIONS' && request.get('Access-Control-Request-Method') !== undefined;
    if (!isPreflight) {
      response.set('Access-Control-Expose-Headers', answerHeaders);
      return next();
    }
    response
      .status(204)
      .set('Access-Control-Allow-Methods', methods)
      .set('Access-Control-Allow-Headers', requestHeaders)
      .set('Access-Control-Max-Age', String(preflightSeconds))
      .end();
  };
}
