import type { IncomingMessage } from 'node:http';

/*
 * Until there is authentication, the door is for this machine alone. Three checks make that true: it listens on a loopback
 * address; it answers only to loopback names, so that a page whose name was rebound to 127.0.0.1 is not served; and what
 * changes something, or listens for long, must come from a page of the door itself or from no page at all.
 */

/** The address to listen on, or an error that says what to do. */
export function loopbackAddress(host: string): string {
  // One address, the same on every machine: `localhost` may resolve to ::1 here and to 127.0.0.1 there.
  if (host === 'localhost') return '127.0.0.1';
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)) return bare;
  throw new NotLoopbackError(host);
}

export class NotLoopbackError extends Error {
  override readonly name = 'NotLoopbackError';
  readonly code = 'NOT_LOOPBACK';

  constructor(host: string) {
    super(
      `The HTTP door will not listen on ${JSON.stringify(host)}: it has no authentication yet, so everyone who can reach ` +
        `that address could run workflows here. Use localhost, 127.0.0.1 or ::1, and reach it from elsewhere through an SSH tunnel.`,
    );
  }
}

/** Whether the request was meant for this machine by name. */
export function isForLoopback(request: IncomingMessage): boolean {
  const name = hostOf(request.headers.host)?.hostname;
  if (name === undefined) return false;
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(name)
  );
}

/** Whether it comes from a page of the door itself, or from a program that is no page. */
export function isFromHere(request: IncomingMessage): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  const from = URL.canParse(origin) ? new URL(origin) : null;
  return from !== null && from.host === hostOf(request.headers.host)?.host;
}

function hostOf(header: string | undefined): URL | null {
  const url = `http://${header ?? ''}`;
  return URL.canParse(url) ? new URL(url) : null;
}
