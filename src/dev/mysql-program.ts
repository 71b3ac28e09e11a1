import { join } from 'node:path';

import type * as mysql2 from 'mysql2/promise';

import type { Binary } from './binaries.ts';
import { firstAnswer, logOf, type ServerPlaces } from './server-program.ts';

export interface MysqlSite {
  readonly binary: Binary;
  readonly data: string;
  readonly places: ServerPlaces;
  readonly driver: Promise<Driver>;
}

/** How the server is run, and what it is asked first. */
export function mysqlProgram({ binary, data, places, driver }: MysqlSite) {
  const socket = join(places.socketDir, 'db.sock');
  return {
    binary,
    socket,
    data,
    log: logOf(places.dataDir, 'db'),
    args: [
      ...basicArguments(binary, data),
      `--socket=${socket}`,
      `--pid-file=${join(places.socketDir, 'db.pid')}`,
      '--skip-networking',
      ...(binary.product === 'MySQL' ? ['--loose-mysqlx=OFF'] : []),
      ...places.flags,
    ],
    // The server speaks first, as soon as it takes connections.
    answers: async () => (await firstAnswer(socket)) !== undefined,
    settle: () =>
      query(socket, driver, 'CREATE DATABASE IF NOT EXISTS temjob CHARACTER SET utf8mb4'),
  };
}

/** What a server that creates its data directory has to be told, too. */
export function basicArguments(binary: Binary, data: string): readonly string[] {
  return [
    // It must come first. What the machine's my.cnf says is about another server.
    '--no-defaults',
    `--datadir=${data}`,
    // In a directory that servers share, one that starts clears away the temporary tables of the others.
    `--tmpdir=${data}`,
    // Both products refuse to run as root unless they are told so.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--skip-name-resolve',
    '--skip-log-bin',
    '--performance-schema=OFF',
    '--max-connections=500',
    '--max-allowed-packet=64M',
    '--innodb-buffer-pool-size=64M',
    // Durability is what the runtime promises, so it is never faked, not even here.
    '--innodb-flush-log-at-trx-commit=1',
    // 34 MB on disk with it, 114 MB with the default. MySQL calls it differently since 8.0.30.
    binary.product === 'MariaDB'
      ? '--innodb-log-file-size=16M'
      : '--loose-innodb-redo-log-capacity=32M',
  ];
}

/** Several statements may be in the text. */
export async function query(socket: string, driver: Promise<Driver>, text: string): Promise<void> {
  const { createConnection } = await driver;
  const connection = await createConnection({
    socketPath: socket,
    user: 'root',
    multipleStatements: true,
  });
  try {
    await connection.query(text);
  } finally {
    await connection.end();
  }
}

type Driver = Pick<typeof mysql2, 'createConnection'>;
