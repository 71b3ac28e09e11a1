import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { namespace } from '#http/live-protocol.ts';

/**
 * A page that watches topics and then reads nothing more, spoken to the wire: a library would read on its own. It may still
 * answer: a page can say that it has taken what it never looked at.
 */
export class StalledPage implements Disposable {
  readonly #socket: Socket;
  #answered = 0;

  /** Resolves when it has seen the answer to its last subscription. */
  static async watching(url: string, topics: readonly string[]): Promise<StalledPage> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.setNoDelay();
    socket.setEncoding('latin1');
    const page = new StalledPage(socket);
    socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await page.#reads('0{');
    page.#send(`40${namespace},`);
    await page.#reads(`40${namespace},`);
    for (const [number, topic] of topics.entries()) {
      page.#send(`42${namespace},${number}["sub",{"topic":"${topic}"}]`);
      await page.#reads(`43${namespace},${number}[`);
    }
    socket.pause();
    return page;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    // The door may end it, which is no error of the test.
    socket.on('error', () => undefined);
  }

  /** Answers the next frames, whatever they are. */
  answer(frames: number): void {
    for (let n = 0; n < frames; n += 1) this.#send(`43${namespace},${this.#answered++}[]`);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #reads(text: string): Promise<void> {
    let read = '';
    while (!read.includes(text)) {
      const chunk: unknown = this.#socket.read();
      if (typeof chunk === 'string') read += chunk;
      else await Promise.race([once(this.#socket, 'readable'), sleep(50)]);
    }
  }

  /** A masked text frame, as browsers send them; the mask is zero. */
  #send(text: string): void {
    const payload = Buffer.from(text);
    const { length } = payload;
    const head =
      length < 126 ? [0x81, 0x80 | length] : [0x81, 0x80 | 126, length >> 8, length & 0xff];
    this.#socket.write(Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]));
  }
}
