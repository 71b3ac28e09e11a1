import { createServer } from 'node:net';

/** Whether somebody listens on this port of this host already. Rejects when nobody could, with what the system says. */
export async function isTaken(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(true);
      else reject(error);
    });
    server.listen({ port, host: host.replaceAll(/[[\]]/g, ''), exclusive: true }, () =>
      server.close(() => resolve(false)),
    );
  });
}
