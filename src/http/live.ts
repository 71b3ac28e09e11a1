import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Namespace, Server, type Socket } from 'socket.io';

import type { ClusterApi } from '#cluster/api.ts';

import { credentialsOf } from './auth/authenticate.ts';
import type { Credentials, Gatekeeper } from './auth/gatekeeper.ts';
import type { DoorLog } from './door-log.ts';
import type { DoorObserver } from './door-observer.ts';
import { LiveHub, type Membership } from './live-hub.ts';
import {
  type ClientEvents,
  type Cursor,
  type LiveProblem,
  namespace,
  protocolVersion,
  type ServerEvents,
  type Subscribed,
} from './live-protocol.ts';
import { problemOf, unauthenticated } from './problems.ts';
import { subscribeMessage, unsubscribeMessage } from './schemas/live.ts';
import { complaint } from './validate.ts';

/** Frames of one topic, and of all topics of a socket, that may be on their way without an answer. */
const topicWindow = 4;
const socketWindow = 16;
const topicLimit = 32;
const frameLimit = 64 * 1024;
const slowAfterMs = 60_000;
const sweepEveryMs = 5_000;
const goodbyeMs = 500;
/** Messages that a socket may send in a window; answers to frames are not counted, for they are not more than the frames. */
const messageLimit = 50;
const messageWindowMs = 10_000;
const shareOfPages = 0.8;
/** For a page to say who it is. */
const introduceWithinMs = 10_000;

interface SocketData {
  /** When its session ends, in ms since 1970; Infinity without one. */
  until: number;
}

type Between = Record<string, never>;
type LiveSocket = Socket<ClientEvents, ServerEvents, Between, SocketData>;

export interface Live {
  load(): { readonly sockets: number; readonly topics: number };
  /** Tells every page that this node leaves, and closes; the HTTP server stays open. */
  close(): Promise<void>;
}

/** Serves the live protocol on the HTTP server of the door. */
export function openLive(
  server: HttpServer,
  cluster: ClusterApi,
  gatekeeper: Gatekeeper,
  leaving: AbortSignal,
  log: DoorLog,
  observer?: DoorObserver,
): Live {
  const io = new Server<ClientEvents, ServerEvents, Between, SocketData>(server, {
    transports: ['websocket'],
    serveClient: false,
    maxHttpBufferSize: frameLimit,
    perMessageDeflate: false,
    connectTimeout: introduceWithinMs,
    allowRequest: (request, decide) => {
      const reason = leaving.aborted
        ? 'this node is going down'
        : isFull()
          ? 'this node has as many pages as it takes'
          : refusal(gatekeeper, request);
      decide(reason, reason === null);
    },
  });
  // What is left is for requests.
  const isFull = (): boolean => io.engine.clientsCount >= server.maxConnections * shareOfPages;
  const hub = new LiveHub(cluster, log);
  const pages: Namespace<ClientEvents, ServerEvents, Between, SocketData> = io.of(namespace);
  const sessions = new Set<Session>();
  // The library opens this namespace by itself; nothing is served there, so nobody is let in.
  io.use((_socket, next) => next(new Error(`the live protocol is at ${namespace}`)));
  pages.use((socket, next) => {
    const admission = gatekeeper.admit(credentialsOfSocket(socket));
    if (admission.type === 'refused') return next(connectError(unauthenticated(admission.why)));
    // Everybody who is admitted may read, and nothing else can be done here.
    socket.data.until = admission.until;
    next();
  });
  pages.on('connection', (socket) => {
    const session = new Session(socket, hub, (reason) => observer?.resynced(reason));
    sessions.add(session);
    socket.on('disconnect', () => {
      session.close();
      sessions.delete(session);
    });
    greet(socket, cluster).catch((error: unknown) => {
      log.warn({ err: error }, 'a page could not be told which node serves it');
    });
  });
  const sweep = setInterval(() => {
    for (const session of sessions) {
      if (session.sweep())
        log.warn({ socket: session.id }, 'a page that reads too slowly was disconnected');
    }
  }, sweepEveryMs).unref();
  return {
    load: () => ({ sockets: sessions.size, topics: hub.size }),
    close: async () => {
      clearInterval(sweep);
      pages.emit('server_leaving', { in_ms: 0, jitter_ms: 1_000 });
      pages.disconnectSockets(true);
      // Closing the engine discards what is not written yet, so the sockets get a moment to go by themselves.
      const deadline = performance.now() + goodbyeMs;
      while (sessions.size > 0 && performance.now() < deadline) await sleep(10);
      hub.close();
      io.engine.close();
    },
  };
}

async function greet(socket: LiveSocket, cluster: ClusterApi): Promise<void> {
  const { node } = await cluster.cluster();
  socket.emit('hello', {
    proto: protocolVersion,
    node,
    server_time: new Date().toISOString(),
    limits: { topics: topicLimit, window: topicWindow },
  });
}

function refusal(gatekeeper: Gatekeeper, request: IncomingMessage): string | null {
  if (!gatekeeper.isForUs(request)) return 'this door answers to loopback names only';
  return gatekeeper.isFromOurs(request) ? null : 'pages of other origins may not listen';
}

/** The token of the handshake, else what the request of the handshake has. */
function credentialsOfSocket({ handshake, request }: LiveSocket): Credentials {
  const token: unknown = handshake.auth['token'];
  return typeof token === 'string' && token !== '' ? { key: token } : credentialsOf(request);
}

/** What the library hands to the page as it is: `data` is the problem. */
function connectError(error: Error): Error {
  return Object.assign(new Error(error.message), { data: liveProblem(error) });
}

/**
 * One socket with its subscriptions and its credit. Nothing is made for it before what was made last is on its way: a page
 * that has stopped reading holds one frame of ours, however many topics it watches and whatever happens to them.
 */
class Session {
  readonly #socket: LiveSocket;
  readonly #hub: LiveHub;
  readonly #resynced: (reason: string) => void;
  readonly #subscriptions = new Map<string, Subscription>();
  #unanswered = 0;
  /** Since when there has been something unanswered. */
  #waitingSince: number | null = null;
  /** Answers to subscriptions that are made when the socket takes them. */
  readonly #answering: (() => void)[] = [];
  #messages = 0;
  #windowBegan = performance.now();

  constructor(socket: LiveSocket, hub: LiveHub, resynced: (reason: string) => void) {
    this.#socket = socket;
    this.#hub = hub;
    this.#resynced = resynced;
    socket.conn.transport.on('ready', () => this.#goOn());
    socket.use((_message, next) => {
      if (this.#isWithinLimit()) next();
      else this.#refuse(tooManyMessages);
    });
    // What comes from a socket is whatever it likes to send.
    socket.on('sub', (message: unknown, ack: unknown) => {
      const answer = (subscribed: Subscribed): void => {
        if (typeof ack === 'function') ack(subscribed);
      };
      this.#subscribe(message).then(answer, (error: unknown) => {
        answer({ ok: false, problem: liveProblem(error) });
      });
    });
    socket.on('unsub', (message: unknown, ack: unknown) => {
      const parsed = unsubscribeMessage.safeParse(message);
      if (parsed.success) this.#drop(parsed.data.topic);
      if (typeof ack === 'function') ack({ ok: true });
    });
  }

  get id(): string {
    return this.#socket.id;
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
    for (const answer of this.#answering.splice(0)) answer();
  }

  /** Disconnects a socket whose session has ended, or that has not answered for long; true if it was the latter. */
  sweep(): boolean {
    if (Date.now() >= this.#socket.data.until) {
      this.#refuse(liveProblem(unauthenticated('session ended')));
      return false;
    }
    if (this.#waitingSince === null || performance.now() - this.#waitingSince < slowAfterMs) {
      return false;
    }
    this.#socket.disconnect(true);
    return true;
  }

  async #subscribe(message: unknown): Promise<Subscribed> {
    const parsed = subscribeMessage.safeParse(message);
    if (!parsed.success) {
      return refuse(400, 'INVALID_INPUT', complaint(subscribeMessage, message) ?? 'not a message');
    }
    const { topic, since } = parsed.data;
    this.#drop(topic);
    if (this.#subscriptions.size >= topicLimit) {
      return refuse(429, 'TOO_MANY_TOPICS', `a socket may watch ${topicLimit} topics`);
    }
    const pump = (): void => this.#pump(subscription);
    const subscription = new Subscription(topic, pump, this.#resynced);
    this.#subscriptions.set(topic, subscription);
    try {
      const membership = await this.#hub.join(topic, subscription.pump);
      await this.#turn();
      return subscription.begin(membership, since);
    } catch (error) {
      if (this.#subscriptions.get(topic) === subscription) this.#subscriptions.delete(topic);
      throw error;
    }
  }

  #isWithinLimit(): boolean {
    const now = performance.now();
    if (now - this.#windowBegan >= messageWindowMs) {
      this.#windowBegan = now;
      this.#messages = 0;
    }
    this.#messages += 1;
    return this.#messages <= messageLimit;
  }

  /** Says why, and ends it. */
  #refuse(problem: LiveProblem): void {
    this.#socket.emit('refused', problem);
    this.#socket.disconnect(true);
  }

  #drop(topic: string): void {
    this.#subscriptions.get(topic)?.close();
    this.#subscriptions.delete(topic);
  }

  get #isTaking(): boolean {
    return this.#socket.conn.transport.writable || !this.#socket.connected;
  }

  /** Resolves when the socket takes something, or is gone. */
  async #turn(): Promise<void> {
    while (!this.#isTaking) {
      this.#waitingSince ??= performance.now();
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#answering.push(() => resolve(undefined));
      await promise;
    }
  }

  /** The network has taken what was written. */
  #goOn(): void {
    if (this.#unanswered === 0) this.#waitingSince = null;
    const answer = this.#answering.shift();
    // Answers first: a page that is told of changes all the time still gets what it asks for.
    answer?.();
    setImmediate(() => this.#pumpAll());
  }

  #pumpAll(): void {
    for (const subscription of this.#subscriptions.values()) this.#pump(subscription);
  }

  /** Sends what is new when there is credit for it; otherwise the answer to a frame will come here again. */
  #pump(subscription: Subscription): void {
    if (!subscription.isOpen || subscription.unanswered >= topicWindow) return;
    if (this.#unanswered >= socketWindow || !this.#isTaking) return;
    const frame = subscription.next();
    if (frame === null) return;
    subscription.unanswered += 1;
    this.#unanswered += 1;
    this.#waitingSince ??= performance.now();
    const answered = once(() => {
      subscription.unanswered -= 1;
      this.#unanswered -= 1;
      this.#waitingSince = this.#unanswered === 0 ? null : performance.now();
      this.#pumpAll();
    });
    if (frame.event === 'd') this.#socket.emit('d', frame.body, answered);
    else this.#socket.emit('snap', frame.body, answered);
  }
}

const tooManyMessages: LiveProblem = {
  status: 429,
  code: 'RATE_LIMITED',
  message: `a socket may send ${messageLimit} messages in ${messageWindowMs / 1000} s`,
};

type Frame =
  | { readonly event: 'd'; readonly body: Parameters<ServerEvents['d']>[0] }
  | { readonly event: 'snap'; readonly body: Parameters<ServerEvents['snap']>[0] };

/** What one socket knows of one topic: a version, and nothing that grows. */
class Subscription {
  readonly #topic: string;
  readonly #resynced: (reason: string) => void;
  readonly pump: () => void;
  unanswered = 0;
  #membership: Membership | null = null;
  #at: Cursor | null = null;
  #closed = false;

  constructor(topic: string, pump: () => void, resynced: (reason: string) => void) {
    this.#topic = topic;
    this.#resynced = resynced;
    this.pump = pump;
  }

  get isOpen(): boolean {
    return !this.#closed && this.#at !== null;
  }

  begin(membership: Membership, since: Cursor | undefined): Subscribed {
    if (this.#closed) {
      membership.leave();
      return refuse(409, 'UNSUBSCRIBED', 'the subscription was given up meanwhile');
    }
    this.#membership = membership;
    const { state } = membership;
    this.#at = { epoch: state.epoch, ver: state.ver };
    const update = since === undefined ? null : state.since(since);
    if (update?.type === 'snapshot') this.#resynced(update.reason);
    if (since === undefined || update === null || update.type === 'snapshot') {
      return { ok: true, mode: 'snapshot', ...this.#at, data: state.data };
    }
    const ops = update.type === 'delta' ? update.ops : [];
    return { ok: true, mode: 'delta', from: since.ver, ...this.#at, ops };
  }

  /** The frame that brings the socket to the newest version, or null when it is there. */
  next(): Frame | null {
    const state = this.#membership?.state;
    if (state === undefined || this.#at === null) return null;
    const update = state.since(this.#at);
    if (update.type === 'none') return null;
    if (update.type === 'snapshot') this.#resynced(update.reason);
    this.#at = { epoch: state.epoch, ver: state.ver };
    const at = { t: this.#topic, e: state.epoch, v: state.ver };
    return update.type === 'delta'
      ? { event: 'd', body: { ...at, f: update.from, ops: update.ops } }
      : { event: 'snap', body: { ...at, data: state.data, reason: update.reason } };
  }

  close(): void {
    this.#closed = true;
    this.#membership?.leave();
    this.#membership = null;
  }
}

// A client may answer the same frame twice, and must not gain credit by it.
function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    call();
  };
}

function refuse(status: number, code: string, message: string): Subscribed {
  return { ok: false, problem: { status, code, message } };
}

function liveProblem(error: unknown): LiveProblem {
  const { status, code, detail } = problemOf(error);
  return { status, code, message: detail };
}
