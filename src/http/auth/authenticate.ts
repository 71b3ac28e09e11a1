import type { IncomingMessage } from 'node:http';

import type { RequestHandler } from 'express';

import type { Credentials, Gatekeeper } from './gatekeeper.ts';
import { admit } from './principal.ts';
import { sessionOf } from './session-cookie.ts';

/**
 * Notes who sends the request, for `principalOf` and `requireScope`. It refuses nothing by itself: a browser with an old
 * session still gets the page on which to sign in.
 */
export function authenticate(gatekeeper: Gatekeeper): RequestHandler {
  return (request, _response, next) => {
    admit(request, gatekeeper.admit(credentialsOf(request)));
    next();
  };
}

/** `Authorization: Bearer …`, else `X-API-Key`, else the cookie of a session. */
export function credentialsOf(request: IncomingMessage): Credentials {
  const { authorization, 'x-api-key': header } = request.headers;
  // What a proxy asks for (Basic) is none of ours.
  const bearer = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
  const key = bearer ?? (typeof header === 'string' && header !== '' ? header : undefined);
  return key === undefined ? { session: sessionOf(request) } : { key };
}
