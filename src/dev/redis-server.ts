import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { findRedis } from './binaries.ts';
import { firstAnswer, logOf, type ServerPlaces, type ServerProgram } from './server-program.ts';

/** A Redis or Valkey server on a unix socket alone, which keeps its data. */
export async function redisServer(places: ServerPlaces): Promise<ServerProgram> {
  const binary = await findRedis();
  const socket = join(places.socketDir, 'redis.sock');
  const data = join(places.dataDir, 'redis');
  return {
    binary,
    socket,
    data,
    log: logOf(places.dataDir, 'redis'),
    args: argumentsOf(socket, data, places.flags),
    prepare: async () => (await mkdir(data, { recursive: true, mode: 0o700 })) !== undefined,
    // Anything but PONG is LOADING: it reads its file still.
    answers: async () => (await firstAnswer(socket, 'PING\r\n'))?.startsWith('+PONG') ?? false,
    settle: async () => {},
  };
}

function argumentsOf(socket: string, data: string, flags: readonly string[]): readonly string[] {
  // prettier-ignore
  return [
    '--port', '0',
    '--unixsocket', socket,
    '--unixsocketperm', '700',
    '--dir', data,
    '--daemonize', 'no',
    '--appendonly', 'yes',
    '--save', '',
    // A mailbox must never be evicted to make room.
    '--maxmemory-policy', 'noeviction',
    ...flags,
  ];
}
