import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { DevError } from './dev-error.ts';

/**
 * Where systems do not take ports from for connections that go out: one of those could take a port that was free before the node
 * listens on it.
 */
const lowest = 10_000;
const highest = 30_000;

/** The first free port of `localhost`, counted from this one; 0 counts from anywhere. */
export async function freePort(from: number): Promise<number> {
  for (let port = from === 0 ? randomInt(lowest, highest) : from; port < 65_536; port += 1) {
    // A browser takes "localhost" for either address, so both must be free.
    if ((await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'))) return port;
  }
  throw new NoFreePortError(from);
}

export class NoFreePortError extends DevError {
  override readonly name = 'NoFreePortError';
  override readonly code = 'NO_FREE_PORT';

  constructor(from: number) {
    super(
      `no port is free from ${from} on, up to 65535. To fix it, give a lower one with --port, or 0 for any.`,
    );
  }
}

async function canListen(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(false);
      // Many a container has no IPv6: then nobody else listens there either.
      else if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') resolve(true);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
