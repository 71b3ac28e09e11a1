import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { RedisLink } from '#cluster/redis/connection.ts';
import { startPrivateServers } from '#dev/private-servers.ts';

import { freshPrefix, sharedServers } from '../support/servers.ts';

export type TestLink = RedisLink & AsyncDisposable;

/** A link to the server of all tests, under a prefix that nobody else has unless it is given. */
export async function sharedLink(prefix = freshPrefix()): Promise<TestLink> {
  return await linkTo((await sharedServers()).redis, prefix);
}

export async function linkTo(url: string, prefix = freshPrefix()): Promise<TestLink> {
  const link = await RedisLink.connect(url, prefix);
  return Object.assign(link, { [Symbol.asyncDispose]: async () => await link.close() });
}

/** A server of one's own, to be killed, flushed and starved of memory. */
export async function privateRedis(): Promise<
  AsyncDisposable & { url: string; kill(): Promise<void>; restart(): Promise<void> }
> {
  const dataDir = await mkdtemp(join(tmpdir(), 'temjob-redis-'));
  const servers = await startPrivateServers({ dataDir, given: { mysql: 'mysql://none' } });
  return {
    url: servers.urls.redis,
    kill: async () => await servers.kill('redis'),
    restart: async () => await servers.restart('redis'),
    [Symbol.asyncDispose]: async () => {
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Resolves at the next change to this state, with whether data may be lost. */
export async function nextChange(link: RedisLink, wanted: 'up' | 'down'): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const end = link.onChange((state, dataMayBeLost) => {
    if (state === wanted) resolve(dataMayBeLost);
  });
  return await promise.finally(end);
}

/** Collects what a listener is given; `until` resolves when there are as many as that. */
export class Heard {
  readonly batches: string[][] = [];
  #waiting: { count: number; resolve: (all: string[]) => void }[] = [];

  readonly listener = (batch: string[]): void => {
    this.batches.push(batch);
    const all = this.all;
    for (const { count, resolve } of this.#waiting) if (all.length >= count) resolve(all);
    this.#waiting = this.#waiting.filter(({ count }) => all.length < count);
  };

  get all(): string[] {
    return this.batches.flat();
  }

  async until(count: number): Promise<string[]> {
    if (this.all.length >= count) return this.all;
    const { promise, resolve } = Promise.withResolvers<string[]>();
    this.#waiting.push({ count, resolve });
    return await promise;
  }
}

/** Stands between a link and the server, and can lose replies. */
export async function lossyWay(url: string): Promise<
  AsyncDisposable & {
    url: string;
    /** From now on replies are swallowed; resolves when one was, and then cuts every connection. */
    loseNextReply(): Promise<void>;
  }
> {
  const target = new URL(url).pathname;
  const path = join(tmpdir(), `temjob-way-${process.pid}-${randomBytes(4).toString('hex')}.sock`);
  const sockets = new Set<Socket>();
  let lost: (() => void) | null = null;
  const server = createServer((near) => {
    const far = createConnection(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (data) => {
      if (lost === null) {
        near.write(data);
        return;
      }
      lost();
      lost = null;
      for (const socket of sockets) socket.destroy();
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    url: `unix://${path}`,
    loseNextReply: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      lost = resolve;
      await promise;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
