import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerOptions,
} from 'node:http';
import { networkInterfaces } from 'node:os';

import express, { type ErrorRequestHandler, type RequestHandler } from 'express';

import { type ClusterApi, ClusterError } from '#cluster/api.ts';

import { authenticate } from './auth/authenticate.ts';
import { type ApiKey, Gatekeeper } from './auth/gatekeeper.ts';
import { admissionOf, principalOf, requireScope } from './auth/principal.ts';
import { limitFailedLogins, type RateLimit, rateLimit } from './auth/rate-limit.ts';
import { Sessions } from './auth/sessions.ts';
import { cors } from './cors.ts';
import { docsPage } from './docs-page.ts';
import type { DoorLog } from './door-log.ts';
import { type DoorObserver, observed } from './door-observer.ts';
import { openLive } from './live.ts';
import { listenAddress } from './loopback.ts';
import { ProblemError, problemOf, sendJson, sendProblem } from './problems.ts';
import { type Place, routerOf } from './router.ts';
import type { Exposition } from './routes/route.ts';
import { apiRoutes, routesToTheEnd } from './routes/table.ts';
import { securityHeaders } from './security-headers.ts';
import { webFiles } from './web-files.ts';

export interface DoorOptions {
  readonly cluster: ClusterApi;
  /** A loopback address or `localhost`; any address when there are keys. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Builds the console when it is missing or older than its sources. */
  readonly dev?: boolean;
  /** Who may come in. None: everyone on this machine. */
  readonly keys?: readonly ApiKey[];
  /** Origins whose pages may call the API, with a key. */
  readonly allowedOrigins?: readonly string[];
  /** Of each key, and of each address without one, at this node; null, which is the default, is no limit. */
  readonly rateLimit?: RateLimit | null;
  /** Addresses of proxies whose `X-Forwarded-For` and `-Proto` are believed, like `10.0.0.0/8` or `loopback`. */
  readonly trustedProxies?: readonly string[];
  /** Connections at once, of requests and of pages together. */
  readonly maxConnections?: number;
  readonly log: DoorLog;
  /** The text of `/metrics`, which is not there without it. */
  readonly metrics?: () => Promise<Exposition>;
  readonly observer?: DoorObserver;
  /** Runs what answers a request where its headers say that its caller is in a trace. */
  readonly within?: (headers: IncomingHttpHeaders, run: () => void) => void;
}

export interface Door {
  readonly url: string;
  readonly port: number;
  /** How many pages are connected, and how many topics are watched. */
  load(): { readonly sockets: number; readonly topics: number };
  /** Goes on answering, but to what is new only that this node goes down; sends the pages elsewhere. Safe to call twice. */
  leave(): Promise<void>;
  /** Leaves, takes no more requests, finishes those in flight. Safe to call twice. */
  close(): Promise<void>;
}

// The largest input, and the fields around it.
const bodyLimit = 2 * 1024 * 1024 + 64 * 1024;
const closeWithinMs = 10_000;

// A client that sends slowly, or nothing, holds a connection no longer than this.
const limits: ServerOptions = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  // Longer than the 60 s after which balancers let go of an idle connection: who closes first must not be the door.
  keepAliveTimeout: 65_000,
  // Of the request line and all headers together.
  maxHeaderSize: 16 * 1024,
};

/** Opens the door of a node: REST, the live protocol and the console on one port. */
export async function createDoor(options: DoorOptions): Promise<Door> {
  const { cluster, log, observer } = options;
  const { keys = [], allowedOrigins = [] } = options;
  const gatekeeper = new Gatekeeper({ keys, allowedOrigins });
  const address = listenAddress(options.host, !gatekeeper.isOpen);
  const leaving = new AbortController();
  const console = await webFiles({ dev: options.dev ?? false });
  const server = createServer(limits, appOf(options, gatekeeper, console, leaving.signal));
  server.maxConnections = options.maxConnections ?? 10_000;
  server.maxHeadersCount = 100;
  await listen(server, options.port, address);
  const live = openLive(server, cluster, gatekeeper, leaving.signal, log, observer);
  const port = portOf(server);
  const name = nameOf(address);
  let left: Promise<void> | null = null;
  let closed: Promise<void> | null = null;
  const leave = async (): Promise<void> => {
    leaving.abort();
    left ??= live.close();
    await left;
  };
  return {
    url: `http://${options.host === 'localhost' ? 'localhost' : name}:${port}`,
    port,
    load: () => live.load(),
    leave,
    close: async () => {
      const gone = leave();
      closed ??= closeServer(server);
      await Promise.all([gone, closed]);
    },
  };
}

function appOf(
  options: DoorOptions,
  gatekeeper: Gatekeeper,
  console: RequestHandler,
  leaving: AbortSignal,
): express.Express {
  const { cluster, log, observer, dev = false, metrics = null } = options;
  const app = express();
  const sessions = new Sessions(gatekeeper, log);
  const place: Place = { cluster, sessions, leaving, dev, metrics, guard: requireScope, readBody };
  // Node's own parser: `?a[b]=1` is a parameter of that name, not an object.
  app.set('query parser', 'simple');
  app.disable('x-powered-by');
  app.set('trust proxy', options.trustedProxies ?? []);
  if (observer !== undefined) app.use(observed(observer));
  app.use(identify);
  app.use(securityHeaders);
  app.use((_request, response, next) => {
    // Otherwise a client that reuses its connection keeps the door open.
    if (leaving.aborted) response.set('Connection', 'close');
    next();
  });
  app.use('/api', (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.use('/api', cors(gatekeeper));
  app.use(refuseStrangers(gatekeeper));
  app.use(authenticate(gatekeeper));
  if (options.rateLimit) app.use(['/api', '/metrics'], rateLimit(options.rateLimit));
  app.use(routerOf(routesToTheEnd, place));
  app.use((_request, _response, next) => {
    if (leaving.aborted) throw new ClusterError('DRAINING', 'this node is going down');
    next();
  });
  // Anyone may send it, so little of it is read.
  app.post('/api/v1/session', limitFailedLogins(), express.json({ limit: '4kb' }));
  const { within } = options;
  if (within !== undefined) app.use((request, _response, next) => within(request.headers, next));
  app.use(routerOf(apiRoutes, place));
  // Who shows no key does not learn what there is not, either.
  app.use('/api', (request, _response, next) => {
    principalOf(request);
    next();
  });
  app.use(docsPage(mayReadOrSignIn));
  app.use(console);
  app.use((request) => {
    throw new ProblemError(
      'ROUTE_NOT_FOUND',
      `there is nothing at ${request.method} ${request.path}`,
    );
  });
  app.use(answerErrors(log));
  return app;
}

/** A browser of somebody who has not signed in is sent where one can, and comes back here from there (web/session.ts). */
const mayReadOrSignIn: RequestHandler = (request, response, next) => {
  const isStranger = admissionOf(request).type === 'refused';
  if (isStranger && request.accepts(['json', 'html']) === 'html') {
    response.redirect(303, '/?then=docs');
    return;
  }
  requireScope(request, 'read');
  next();
};

/** Every answer carries an id that the log has too: the client's own when it is a decent one. */
const identify: RequestHandler = (request, response, next) => {
  const given = request.get('X-Request-Id');
  const decent = given !== undefined && /^[\w.:/+=-]{1,128}$/.test(given);
  response.set('X-Request-Id', decent ? given : randomUUID());
  next();
};

function refuseStrangers(gatekeeper: Gatekeeper): RequestHandler {
  return (request, _response, next) => {
    if (!gatekeeper.isForUs(request)) {
      throw new ProblemError(
        'NOT_LOOPBACK',
        'This door answers to loopback names only, such as localhost and 127.0.0.1.',
      );
    }
    if (!isRead(request) && !gatekeeper.isFromOurs(request)) {
      throw new ProblemError(
        'FOREIGN_ORIGIN',
        'A page of another origin may not change anything here.',
      );
    }
    next();
  };
}

function isRead({ method }: IncomingMessage): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(method ?? '');
}

const refuseOtherMedia: RequestHandler = (request, _response, next) => {
  const { headers: given } = request;
  const hasBody =
    given['transfer-encoding'] !== undefined || Number(given['content-length'] ?? 0) > 0;
  if (hasBody && !request.is(jsonTypes)) {
    throw new ProblemError('UNSUPPORTED_MEDIA_TYPE', sendJson);
  }
  next();
};

const jsonTypes = ['json', '+json'];
const readBody = [
  refuseOtherMedia,
  express.json({ limit: bodyLimit, strict: false, type: jsonTypes }),
];

function answerErrors(log: DoorLog): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const problem = problemOf(error);
    const about = {
      err: error,
      request_id: response.getHeader('X-Request-Id'),
      method: request.method,
      path: request.path,
    };
    if (problem.code === 'INTERNAL') log.error(about, 'a request failed');
    else log.debug({ ...about, err: undefined, code: problem.code }, 'a request was refused');
    if (response.headersSent) {
      // Too late for a problem: express cuts the connection, so that nobody takes half an answer for a whole one.
      next(error);
      return;
    }
    sendProblem(response, problem);
  };
}

async function listen(server: Server, port: number, address: string): Promise<void> {
  const listening = once(server, 'listening');
  server.listen(port, address);
  // Rejects with the server's error, EADDRINUSE for one.
  await listening;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The door has no port.');
  return address.port;
}

/** How others reach the address. */
function nameOf(address: string): string {
  const all = address === '0.0.0.0' || address === '::';
  const reachable = all ? ownAddress() : address;
  return reachable.includes(':') ? `[${reachable}]` : reachable;
}

/** The first address of this machine that is not for itself alone. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // A connection that becomes idle later is one whose request was finished meanwhile.
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const late = setTimeout(() => server.closeAllConnections(), closeWithinMs);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}
