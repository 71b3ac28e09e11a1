import type { IncomingMessage } from 'node:http';

/*
 * Without keys, the door is for this machine alone. Three checks make that true: it listens on a loopback address; it answers
 * only to loopback names, so that a page whose name was rebound to 127.0.0.1 is not served; and what changes something, or
 * listens for long, must come from a page of the door itself or from no page at all. With keys, the last one is left.
 */

/** The address to listen on, or an error that says what to do. */
export function listenAddress(host: string, asksForKeys: boolean): string {
  // One address, the same on every machine: `localhost` may resolve to ::1 here and to 127.0.0.1 there.
  if (host === 'localhost') return '127.0.0.1';
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isLoopback(bare) || (asksForKeys && bare !== '')) return bare;
  throw new NotLoopbackError(host);
}

export class NotLoopbackError extends Error {
  override readonly name = 'NotLoopbackError';
  readonly code = 'NOT_LOOPBACK';

  constructor(host: string) {
    super(
      `The HTTP door will not listen on ${JSON.stringify(host)}: no API key is configured, so everyone who can reach that ` +
        `address could run workflows here. Configure one in server.auth.keys (docs/security.md says how), or set server.host ` +
        `to localhost, 127.0.0.1 or ::1.`,
    );
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127(\.\d{1,3}){3}$/.test(address);
}

/** Whether the request was meant for this machine by name. */
export function isForLoopback(request: IncomingMessage): boolean {
  const name = hostOf(request.headers.host)?.hostname;
  if (name === undefined) return false;
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    isLoopback(name.replace(/^\[(.*)\]$/, '$1'))
  );
}

/** Whether it comes from a page of the door itself, or from a program that is no page. */
export function isFromHere(request: IncomingMessage): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  const from = URL.canParse(origin) ? new URL(origin) : null;
  // Both by the same scheme, so that a port which is its default is left out on both sides.
  return from !== null && from.host === hostOf(request.headers.host, from.protocol)?.host;
}

function hostOf(header: string | undefined, scheme = 'http:'): URL | null {
  const url = `${scheme}//${header ?? ''}`;
  return URL.canParse(url) ? new URL(url) : null;
}
