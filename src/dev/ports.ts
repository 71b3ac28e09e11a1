import { createServer } from 'node:net';

/** The first free port of `localhost`, counted from this one. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < 65_536; port += 1) {
    // A browser takes "localhost" for either address, so both must be free.
    if ((await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'))) return port;
  }
  throw new Error(`no free port from ${from} on`);
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
