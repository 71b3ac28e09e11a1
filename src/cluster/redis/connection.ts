import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';

import { ServerUnreachableError } from '../server-unreachable.ts';
import { isUnknownScript } from './failures.ts';
import { text } from './replies.ts';
import { allScripts, command, generation } from './scripts.ts';
import type { Call } from './scripts.ts';

export { isPassing } from './failures.ts';

/** Told of each change; `dataMayBeLost` comes with 'up' alone, and means that everything in Redis has to be put there again. */
export type LinkListener = (state: 'up' | 'down', dataMayBeLost: boolean) => void;

export type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Error };

/**
 * A node's link to Redis: one connection for commands, and one more for each thing that blocks. It reconnects by itself.
 * A call made while it is down fails at once with a passing error; the caller knows best whether to make it again.
 *
 *   up    entered by connect(), and again when the server answers and is identified; left when the connection closes.
 *   down  no calls succeed. Left for up, with word on whether it is still the same data.
 *
 * R1  A command is sent once. What happened to one whose reply was lost is unknown, and the caller is told so.
 * R2  Every change of the data set (another server, a restart, a flush) is reported once, no later than the next beat.
 */
export class RedisLink {
  readonly commands: Redis;
  readonly #url: string;
  readonly #prefix: string;
  readonly #listeners = new Set<LinkListener>();
  readonly #blocking = new Set<Redis>();
  readonly #closing = new AbortController();
  #identity: Identity;
  #state: 'up' | 'down' = 'up';
  /** Counts openings and closings of the connection, so that what was begun in an earlier one is dropped. */
  #turn = 0;

  /** Resolves when the server answers; rejects, without trying again, when it does not. */
  static async connect(url: string, prefix = 'temjob:'): Promise<RedisLink> {
    if (/[{}]/.test(prefix)) throw new Error(`a Redis prefix cannot have braces: ${prefix}`);
    const commands = openRedis(url, { purpose: 'commands' });
    let failure: unknown;
    const noteFailure = (error: unknown): void => void (failure = error);
    commands.on('error', noteFailure);
    try {
      await commands.connect();
      return new RedisLink(url, prefix, commands, await identify(commands, prefix));
    } catch (error) {
      commands.disconnect();
      // What ioredis reports on the way says more than the rejection, which is 'Connection is closed.'
      const reason = failure ?? error;
      throw new ServerUnreachableError(
        `Redis does not answer at ${withoutPassword(url)}: ${reason instanceof Error ? reason.message : String(reason)}`,
        { cause: error },
      );
    } finally {
      commands.off('error', noteFailure);
    }
  }

  private constructor(url: string, prefix: string, commands: Redis, identity: Identity) {
    this.#url = url;
    this.#prefix = prefix;
    this.commands = commands;
    this.#identity = identity;
    commands.on('close', () => this.#onClose());
    // #onReady never rejects.
    commands.on('ready', () => void this.#onReady());
    if (commands.status !== 'ready') this.#onClose();
  }

  get state(): 'up' | 'down' {
    return this.#state;
  }

  /** A key of ours: `link.key('{s1}:mailbox')`. */
  key(name: string): string {
    return `${this.#prefix}${name}`;
  }

  /** A new connection for one blocking command at a time. */
  blocking(): Redis {
    const redis = openRedis(this.#url, { purpose: 'blocking' });
    this.#blocking.add(redis);
    redis.once('end', () => this.#blocking.delete(redis));
    // The first attempt may fail; ioredis goes on trying, and whoever uses the connection waits for 'ready'.
    redis.connect().catch(() => undefined);
    return redis;
  }

  /** Returns the function that ends it. */
  onChange(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async run(call: Call): Promise<unknown> {
    return await run(this.commands, call);
  }

  /** Sends all in one write and resolves with one reply for each, in order. */
  async pipeline(calls: readonly Call[]): Promise<Reply[]> {
    const replies = await exec(this.commands, calls);
    const unknown = calls
      .map((call, index) => ({ call, index }))
      .filter(({ call, index }) => {
        const reply = replies[index];
        return call.script && reply && !reply.ok && isUnknownScript(reply.error);
      });
    if (unknown.length === 0) return replies;
    const again = await exec(
      this.commands,
      unknown.map(({ call }) => withSource(call)),
    );
    for (const [position, { index }] of unknown.entries()) {
      const reply = again[position];
      if (reply) replies[index] = reply;
    }
    return replies;
  }

  /** Takes the nonce of the data set, as some reply carried it. */
  observe(found: string): void {
    if (this.#state !== 'up' || found === this.#identity.generation) return;
    this.#identity = { ...this.#identity, generation: found };
    this.#tell('up', true);
  }

  /** What has to be changed on this server before a cluster can rely on it; each entry says how. Empty when all is well. */
  async checkSettings(): Promise<string[]> {
    const info = infoFields(text(await this.commands.info()));
    const problems: string[] = [];
    const version = info.get('redis_version') ?? '0';
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < 6 || (major === 6 && minor < 2)) {
      problems.push(`Redis is ${version}; 6.2 or newer is needed. Upgrade it, or use Valkey.`);
    }
    const policy = info.get('maxmemory_policy') ?? 'noeviction';
    if (policy !== 'noeviction') {
      problems.push(
        `Redis has maxmemory-policy ${policy} and would throw away messages when memory is full. ` +
          'Run: CONFIG SET maxmemory-policy noeviction, and set it in redis.conf.',
      );
    }
    if (info.get('role') === 'slave') {
      problems.push('This Redis is a replica, which takes no writes. Give the URL of its master.');
    }
    if (info.get('cluster_enabled') === '1') {
      problems.push(
        'This Redis runs in cluster mode, which is not supported yet. Give the URL of one with cluster-enabled no.',
      );
    }
    return problems;
  }

  /** Lets the commands under way finish, then ends every connection. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#listeners.clear();
    for (const redis of this.#blocking) redis.disconnect();
    try {
      if (this.commands.status === 'ready') await this.commands.quit();
    } catch {
      // It went down meanwhile, which is as good.
    } finally {
      this.commands.disconnect();
    }
  }

  #onClose(): void {
    this.#turn += 1;
    if (this.#state === 'down' || this.#closing.signal.aborted) return;
    this.#state = 'down';
    this.#tell('down', false);
  }

  async #onReady(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    while (turn === this.#turn && !this.#closing.signal.aborted) {
      try {
        const found = await identify(this.commands, this.#prefix);
        if (turn !== this.#turn) return;
        const dataMayBeLost = !isSame(found, this.#identity);
        this.#identity = found;
        this.#state = 'up';
        this.#tell('up', dataMayBeLost);
        return;
      } catch {
        // Either the connection closed, and the next 'ready' begins again, or the server is not well yet.
        await pause(200, this.#closing.signal);
      }
    }
  }

  #tell(state: 'up' | 'down', dataMayBeLost: boolean): void {
    for (const listener of this.#listeners) listener(state, dataMayBeLost);
  }
}

/**
 * A connection that is not open yet: `connect()` opens it. What all of them have in common:
 *
 * - A command is never sent twice. By default ioredis sends again what had no reply when the connection was cut, and an
 *   INCR counts two.
 * - `maxRetriesPerRequest` must be 0 with that: with 1, commands under way when the connection closes are neither sent again
 *   nor rejected, and their promises stay open for ever.
 * - A server that is silent for `socketTimeout` while something waits for it counts as gone.
 */
export function openRedis(url: string, options: { purpose: 'commands' | 'blocking' }): Redis {
  return new Redis({
    ...addressOf(url),
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    protocol: 2,
    replyMapping: 'legacy',
    connectionName: `temjob-${options.purpose}`,
    connectTimeout: 3000,
    socketTimeout: options.purpose === 'commands' ? 5000 : blockForSeconds * 1000 + 5000,
    retryStrategy: (attempt) => Math.min(20 * 2 ** Math.min(attempt, 10), 1000),
    // After a failover the address may lead to a server that is a replica now: look it up again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }).on('error', ignore);
}

/** How long a blocking command waits in the server; it is then made again, which shows that the connection still lives. */
export const blockForSeconds = 5;

/** Resolves after a time, or at once when the signal says so; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

// ioredis writes errors without a listener to the console. Each of them shows again in a rejected call or in 'close'.
function ignore(): void {}

function addressOf(url: string): RedisOptions {
  const { protocol, hostname, port, username, password, pathname, searchParams } = parseUrl(url);
  const login = {
    username: decodeURIComponent(username) || searchParams.get('username') || undefined,
    password: decodeURIComponent(password) || searchParams.get('password') || undefined,
  };
  switch (protocol) {
    case 'unix:':
      return {
        ...login,
        path: decodeURIComponent(pathname),
        db: Number(searchParams.get('db') ?? 0),
      };
    case 'redis:':
    case 'rediss:':
      return {
        ...login,
        host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
        port: Number(port || 6379),
        db: Number(searchParams.get('db') ?? (pathname.slice(1) || 0)),
        ...(protocol === 'rediss:' ? { tls: {} } : {}),
      };
    default:
      throw notRedis(url);
  }
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw notRedis(url, { cause });
  }
}

function notRedis(url: string, options?: ErrorOptions): Error {
  return new Error(
    `${withoutPassword(url)} is no Redis URL; it begins with redis://, rediss:// or unix:///`,
    options,
  );
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//').replace(/([?&]password=)[^&]*/, '$1…');
}

/** What tells one data set from another. */
interface Identity {
  readonly runId: string;
  readonly replicationId: string;
  readonly generation: string;
}

function isSame(one: Identity, other: Identity): boolean {
  return (
    one.runId === other.runId &&
    one.replicationId === other.replicationId &&
    one.generation === other.generation
  );
}

/** Makes the scripts known to the server, and asks who it is. */
async function identify(redis: Redis, prefix: string): Promise<Identity> {
  const [server, replication, ...loaded] = await exec(redis, [
    command('info', 'server'),
    command('info', 'replication'),
    ...allScripts.map((script) => command('script', 'LOAD', script.source)),
  ]);
  for (const reply of loaded) valueOf(reply);
  const found = await run(redis, generation.call([`${prefix}{ctl}:gen`], [randomUUID()]));
  return {
    runId: infoFields(text(valueOf(server))).get('run_id') ?? '',
    replicationId: infoFields(text(valueOf(replication))).get('master_replid') ?? '',
    generation: text(found),
  };
}

function infoFields(info: string): Map<string, string> {
  return new Map(
    info
      .split('\r\n')
      .map((line) => line.split(':', 2))
      .map(([name = '', value = '']) => [name, value]),
  );
}

async function run(redis: Redis, call: Call): Promise<unknown> {
  try {
    return await redis.call(call.command, ...call.args);
  } catch (error) {
    if (!call.script || !(error instanceof Error) || !isUnknownScript(error)) throw error;
    const again = withSource(call);
    return await redis.call(again.command, ...again.args);
  }
}

async function exec(redis: Redis, calls: readonly Call[]): Promise<Reply[]> {
  if (calls.length === 0) return [];
  const replies = await redis.pipeline(calls.map((call) => [call.command, ...call.args])).exec();
  if (replies === null) throw new Error('a pipeline had no replies');
  return replies.map(([error, value]) => (error ? { ok: false, error } : { ok: true, value }));
}

/** The same call, with the source of its script in place of the hash; the server then knows it. */
function withSource(call: Call): Call {
  return call.script
    ? { command: 'eval', args: [call.script.source, ...call.args.slice(1)] }
    : call;
}

/** The value of a reply of a pipeline, or its error thrown. */
export function valueOf(reply: Reply | undefined): unknown {
  if (reply === undefined) throw new Error('a pipeline had too few replies');
  if (!reply.ok) throw reply.error;
  return reply.value;
}

/** Throws the first error of a pipeline. */
export function allOk(replies: readonly Reply[]): void {
  for (const reply of replies) valueOf(reply);
}
