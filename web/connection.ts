import { io, type Socket } from 'socket.io-client';

import { apply, judge } from '#http/live-picture.ts';
import {
  type ClientEvents,
  type Cursor,
  type Delta,
  type LiveProblem,
  namespace,
  type Operation,
  type ServerEvents,
  type Snapshot,
  type Subscribed,
  type TopicData,
} from '#http/live-protocol.ts';

/** Of the whole page: `live` when all that it watches is. */
export type LiveStatus =
  | { readonly type: 'live' }
  | { readonly type: 'catching up' }
  | { readonly type: 'stale'; readonly since: Date };

export interface Watcher {
  /** `ops` says what changed since the last call, null when the data is new as a whole; `ver` is the version of the topic now. */
  data(data: TopicData, ops: readonly Operation[] | null, ver: number): void;
  /** There is no such thing, or the server will not tell. */
  refused(problem: LiveProblem): void;
}

interface Watch {
  readonly topic: string;
  readonly watcher: Watcher;
  at: Cursor | null;
  data: TopicData | null;
  /** Asked for and not answered; what comes meanwhile is from before. */
  asking: boolean;
  /** There is nothing to wait for, unless the next server knows better. */
  refused: boolean;
  retryMs: number;
  closed: boolean;
}

const firstRetryMs = 200;
const lastRetryMs = 5_000;

/** The live connection of the console: keeps what pages watch up to date, over lost frames and lost servers. */
export class Connection {
  readonly #socket: Socket<ServerEvents, ClientEvents>;
  readonly #watches = new Map<string, Watch>();
  readonly #listeners = new Set<(status: LiveStatus) => void>();
  #staleSince: Date | null = new Date();
  #clockOffsetMs = 0;
  #node: string | null = null;

  /** `signIn` resolves when somebody has signed in, because the server did not know who listens. */
  constructor(signIn: () => Promise<void>) {
    this.#socket = io(namespace, {
      transports: ['websocket'],
      reconnectionDelay: firstRetryMs,
      reconnectionDelayMax: lastRetryMs,
    });
    this.#socket.on('connect', () => {
      for (const watch of this.#watches.values()) this.#ask(watch);
      this.#tell();
    });
    this.#socket.on('disconnect', (reason) => {
      this.#staleSince ??= new Date();
      for (const watch of this.#watches.values()) watch.asking = false;
      this.#tell();
      // The library stays away when the server ended it; the server may be back, or be another one.
      if (reason === 'io server disconnect') {
        setTimeout(() => this.#socket.connect(), firstRetryMs + Math.random() * 1_000);
      }
    });
    this.#socket.on('connect_error', (refusal) => {
      // The library itself tries again unless it was the door that said no.
      if (!this.#socket.active) this.#comeBack(isUnauthenticated(refusal) ? signIn : null);
    });
    this.#socket.on('hello', (hello) => {
      this.#clockOffsetMs = Date.parse(hello.server_time) - Date.now();
      this.#node = hello.node;
      this.#tell();
    });
    this.#socket.on('d', (delta, ack) => this.#delta(delta, ack));
    this.#socket.on('snap', (snapshot, ack) => this.#snapshot(snapshot, ack));
  }

  /** Now, by the server's clock. */
  now(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  get node(): string | null {
    return this.#node;
  }

  get status(): LiveStatus {
    if (!this.#socket.connected) return { type: 'stale', since: this.#staleSince ?? new Date() };
    const behind = [...this.#watches.values()].some(
      ({ at, asking, refused }) => asking || (at === null && !refused),
    );
    return behind ? { type: 'catching up' } : { type: 'live' };
  }

  onStatus(listener: (status: LiveStatus) => void): () => void {
    this.#listeners.add(listener);
    listener(this.status);
    return () => this.#listeners.delete(listener);
  }

  /** Watches a topic; one watcher per topic at a time. Returns how to stop. */
  watch(topic: string, watcher: Watcher): () => void {
    const watch: Watch = {
      topic,
      watcher,
      at: null,
      data: null,
      asking: false,
      refused: false,
      retryMs: firstRetryMs,
      closed: false,
    };
    this.#watches.set(topic, watch);
    if (this.#socket.connected) this.#ask(watch);
    this.#tell();
    return () => {
      watch.closed = true;
      if (this.#watches.get(topic) === watch) {
        this.#watches.delete(topic);
        if (this.#socket.connected) this.#socket.emit('unsub', { topic });
      }
      this.#tell();
    };
  }

  #comeBack(signIn: (() => Promise<void>) | null): void {
    const again = (): void => {
      this.#socket.connect();
    };
    if (signIn === null) setTimeout(again, lastRetryMs);
    else signIn().then(again, () => setTimeout(again, lastRetryMs));
  }

  #ask(watch: Watch): void {
    if (watch.asking || watch.closed) return;
    watch.asking = true;
    const since = watch.at ?? undefined;
    this.#socket.emit('sub', { topic: watch.topic, since }, (answer) => {
      watch.asking = false;
      if (!watch.closed) this.#answered(watch, answer);
      this.#tell();
    });
  }

  #answered(watch: Watch, answer: Subscribed): void {
    if (!answer.ok) {
      // It was asked twice, of a connection that was thought lost: the later question has the answer.
      if (answer.problem.code === 'UNSUBSCRIBED') return;
      if (answer.problem.status < 500 && answer.problem.status !== 429) {
        watch.refused = true;
        watch.watcher.refused(answer.problem);
      } else {
        setTimeout(() => this.#ask(watch), watch.retryMs * (0.5 + Math.random()));
        watch.retryMs = Math.min(watch.retryMs * 2, lastRetryMs);
      }
      return;
    }
    watch.retryMs = firstRetryMs;
    if (answer.mode === 'snapshot') {
      this.#take(watch, answer.epoch, answer.ver, answer.data, null);
    } else if (watch.data !== null) {
      const data = apply(watch.data, answer.ops);
      this.#take(watch, answer.epoch, answer.ver, data, answer.ops);
    }
  }

  #delta(delta: Delta, ack: () => void): void {
    const watch = this.#watches.get(delta.t);
    // While a subscription is on its way, its answer will have all this.
    if (watch !== undefined && watch.at !== null && watch.data !== null && !watch.asking) {
      const verdict = judge(watch.at, delta);
      if (verdict === 'gap') this.#ask(watch);
      if (verdict === 'apply') {
        this.#take(watch, delta.e, delta.v, apply(watch.data, delta.ops), delta.ops);
      }
      this.#tell();
    }
    answerWhenPainted(ack);
  }

  #snapshot(snapshot: Snapshot, ack: () => void): void {
    const watch = this.#watches.get(snapshot.t);
    if (watch !== undefined && !watch.asking) {
      this.#take(watch, snapshot.e, snapshot.v, snapshot.data, null);
      this.#tell();
    }
    answerWhenPainted(ack);
  }

  #take(
    watch: Watch,
    epoch: string,
    ver: number,
    data: TopicData,
    ops: readonly Operation[] | null,
  ): void {
    watch.refused = false;
    watch.at = { epoch, ver };
    watch.data = data;
    watch.watcher.data(data, ops, ver);
  }

  #tell(): void {
    const status = this.status;
    if (status.type !== 'stale') this.#staleSince = null;
    for (const listener of this.#listeners) listener(status);
  }
}

// The answer is the credit for the next frame, so a page that paints slowly is sent less. A hidden page does not paint.
function answerWhenPainted(ack: () => void): void {
  if (document.hidden) ack();
  else requestAnimationFrame(() => ack());
}

/** The door puts its problem beside the error. */
function isUnauthenticated(error: Error & { readonly data?: unknown }): boolean {
  const { data } = error;
  return typeof data === 'object' && data !== null && 'status' in data && data.status === 401;
}
