import type { IncomingMessage } from 'node:http';

import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** What browsers are told not to do with what comes from this door. Everything that the pages load is served by it. */
export const securityHeaders: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    // upgrade-insecure-requests, which is a default of helmet, would blank the console: there is no TLS on loopback.
    directives: {
      defaultSrc: ["'self'"],
      connectSrc: ["'self'", ownSocket],
      imgSrc: ["'self'", 'data:'],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  // Whoever terminates TLS knows whether it is there to stay.
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'no-referrer' },
});

/** Safari took `'self'` to leave out the WebSocket of the same host until 15.4. */
function ownSocket(request: IncomingMessage): string {
  const { host = '' } = request.headers;
  return /^[\w.:[\]-]+$/.test(host) ? `ws://${host} wss://${host}` : "'self'";
}
