import { io, type Socket } from 'socket.io-client';

import { apply, judge } from '#http/live-picture.ts';
import {
  type ClientEvents,
  type Delta,
  namespace,
  type ServerEvents,
  type Snapshot,
  type Subscribed,
  type TopicData,
} from '#http/live-protocol.ts';

/** What a page of the console does, without the page. */
export class LivePage implements AsyncDisposable {
  readonly #socket: Socket<ServerEvents, ClientEvents>;
  readonly #waiting = new Set<() => void>();
  #owed: (() => void)[] = [];
  readonly leaving: Promise<unknown>;
  data: TopicData | null = null;
  epoch = '';
  ver = 0;
  frames = 0;
  gaps = 0;
  answers = true;

  static async open(url: string): Promise<LivePage> {
    const page = new LivePage(url);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    page.#socket.once('hello', () => resolve(undefined));
    page.#socket.once('connect_error', reject);
    await promise;
    return page;
  }

  private constructor(url: string) {
    this.#socket = io(url + namespace, { transports: ['websocket'], forceNew: true });
    this.#socket.on('d', (delta, ack) => this.#frame(ack, () => this.#delta(delta)));
    this.#socket.on('snap', (snapshot, ack) => this.#frame(ack, () => this.#snapshot(snapshot)));
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#socket.once('server_leaving', resolve);
    this.leaving = promise;
  }

  async ask(topic: string, since?: { epoch: string; ver: number }): Promise<Subscribed> {
    return await this.#socket.timeout(5_000).emitWithAck('sub', { topic, since });
  }

  async watch(topic: string): Promise<Subscribed> {
    const answer = await this.ask(topic);
    if (!answer.ok || answer.mode !== 'snapshot') throw new Error(JSON.stringify(answer));
    this.data = answer.data;
    this.epoch = answer.epoch;
    this.ver = answer.ver;
    return answer;
  }

  /** Resolves when the data is so; the time limit is the test's. */
  async until(isSo: (data: TopicData) => boolean): Promise<void> {
    while (this.data === null || !isSo(this.data)) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#waiting.add(() => resolve(undefined));
      await promise;
    }
  }

  answerAll(): void {
    this.answers = true;
    for (const ack of this.#owed) ack();
    this.#owed = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.disconnect();
    await Promise.resolve();
  }

  #frame(ack: () => void, take: () => void): void {
    this.frames += 1;
    take();
    if (this.answers) ack();
    else this.#owed.push(ack);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #delta(delta: Delta): void {
    const verdict = judge({ epoch: this.epoch, ver: this.ver }, delta);
    if (verdict === 'gap') this.gaps += 1;
    if (verdict !== 'apply' || this.data === null) return;
    this.data = apply(this.data, delta.ops);
    this.ver = delta.v;
  }

  #snapshot(snapshot: Snapshot): void {
    this.data = snapshot.data;
    this.epoch = snapshot.e;
    this.ver = snapshot.v;
  }
}
