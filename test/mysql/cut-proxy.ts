import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A way to a MySQL server on which answers can be held back and lost, as by a network. */
export class CutProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isHolding = false;

  static async start(target: string): Promise<CutProxy> {
    const path = join(tmpdir(), `cut-${randomBytes(6).toString('hex')}.sock`);
    const to = new URL(target);
    const socketPath = to.searchParams.get('socketPath');
    const server = createServer();
    const url = new URL(target);
    url.searchParams.set('socketPath', path);
    const proxy = new CutProxy(url.href, server);
    server.on('connection', (client) => {
      const upstream =
        socketPath === null ? connect(Number(to.port), to.hostname) : connect(socketPath);
      proxy.#join(client, upstream);
    });
    server.listen(path);
    await once(server, 'listening');
    return proxy;
  }

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  /** From now on the server hears everything, and nobody hears the server. */
  holdAnswers(): void {
    this.#isHolding = true;
  }

  /** Breaks all connections; new ones work. */
  cut(): void {
    this.#isHolding = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, upstream: Socket): void {
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (!this.#isHolding) client.write(data);
    });
  }
}
