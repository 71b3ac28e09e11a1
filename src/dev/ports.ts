import { once } from 'node:events';
import { createServer } from 'node:net';

import { DevError } from './dev-error.ts';

/** The first free port of `localhost`, counted from this one; 0 leaves it to the system where to count from. */
export async function freePort(from: number): Promise<number> {
  for (let port = from === 0 ? await anyPort() : from; port < 65_536; port += 1) {
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

async function anyPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
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
