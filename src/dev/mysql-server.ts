import { existsSync, realpathSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type * as mysql2 from 'mysql2/promise';

import { type Binary, findMysql, findProgram } from './binaries.ts';
import {
  firstAnswer,
  logOf,
  ServerStartError,
  type ServerPlaces,
  type ServerProgram,
  sizeOf,
  tail,
} from './server-program.ts';
import type { Program } from './warden-messages.ts';
import type { Warden } from './warden.ts';

/** A MariaDB or MySQL server on a unix socket alone, with an empty password for root and a database `temjob`. */
export async function mysqlServer(places: ServerPlaces): Promise<ServerProgram> {
  const binary = await findMysql();
  // It takes 60 ms to load, while the server starts.
  const driver = import('mysql2/promise');
  const socket = join(places.socketDir, 'db.sock');
  const site: Site = {
    binary,
    data: join(places.dataDir, binary.product.toLowerCase()),
    log: logOf(places.dataDir, 'db'),
    flags: places.flags,
  };
  return {
    binary,
    socket,
    log: site.log,
    args: [
      ...commonArguments(site, site.data),
      `--socket=${socket}`,
      `--pid-file=${join(places.socketDir, 'db.pid')}`,
      '--skip-networking',
      ...(binary.product === 'MySQL' ? ['--loose-mysqlx=OFF'] : []),
      ...places.flags,
    ],
    prepare: async (warden) => {
      if (existsSync(site.data)) return false;
      refuseOtherProduct(site, places.dataDir);
      await create(site, warden);
      return true;
    },
    // The server speaks first, as soon as it takes connections.
    answers: async () => (await firstAnswer(socket)) !== undefined,
    settle: () => createDatabase(socket, driver),
  };
}

type Driver = Pick<typeof mysql2, 'createConnection'>;

interface Site {
  readonly binary: Binary;
  readonly data: string;
  readonly log: string;
  readonly flags: readonly string[];
}

function commonArguments({ binary }: Site, data: string): readonly string[] {
  return [
    // It must come first. What the machine's my.cnf says is about another server.
    '--no-defaults',
    `--datadir=${data}`,
    ...asRoot(),
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

function asRoot(): readonly string[] {
  // Both servers refuse to run as root unless they are told so.
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** Creates the data directory under another name, so that one that exists is complete. */
async function create(site: Site, warden: Warden): Promise<void> {
  const draft = `${site.data}.new`;
  const logStart = await sizeOf(site.log);
  for (const program of await creators(site, draft)) {
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { recursive: true, mode: 0o700 });
    const creation = await warden.run({ log: site.log, ...program });
    const { code } = await creation.wait();
    if (code === 0) {
      await rm(sqlFile(draft), { force: true });
      await rename(draft, site.data);
      return;
    }
  }
  throw new ServerStartError(
    `${site.binary.product} (${site.binary.path}) could not create its data directory`,
    site.log,
    await tail(site.log, logStart),
  );
}

/** The ways to create a data directory, the best first. */
async function creators(site: Site, draft: string): Promise<readonly Omit<Program, 'log'>[]> {
  const common = commonArguments(site, draft);
  if (site.binary.product === 'MySQL') {
    return [{ command: site.binary.path, args: [...common, '--initialize-insecure'] }];
  }
  const ways: Omit<Program, 'log'>[] = [];
  const sql = await systemTables(site.binary.path);
  if (sql !== undefined) {
    await writeFile(sqlFile(draft), sql);
    ways.push({
      command: site.binary.path,
      // What mariadb-install-db passes to it.
      args: [
        ...common,
        '--bootstrap',
        '--silent-startup',
        '--lc-messages=en_US',
        '--log-warnings=0',
        '--enforce-storage-engine=',
      ],
      stdin: sqlFile(draft),
    });
  }
  const script = findProgram(['mariadb-install-db'], {
    ...process.env,
    PATH: `${dirname(realpathSync(site.binary.path))}:${process.env['PATH'] ?? ''}`,
  });
  if (script !== undefined) {
    const [noDefaults = '', ...rest] = common;
    ways.push({
      command: script,
      args: [noDefaults, '--auth-root-authentication-method=normal', '--skip-test-db', ...rest],
    });
  }
  return ways;
}

function sqlFile(draft: string): string {
  return `${draft}.sql`;
}

/**
 * What mariadb-install-db feeds to the server, but without its 3 MB of help texts and the sys schema: 340 ms in place of 590 ms here.
 * Undefined when this MariaDB keeps the files elsewhere.
 */
async function systemTables(server: string): Promise<string | undefined> {
  const home = dirname(dirname(realpathSync(server)));
  for (const share of [join(home, 'share', 'mysql'), join(home, 'share', 'mariadb')]) {
    // They changed their names with MariaDB 11.
    for (const prefix of ['mysql', 'mariadb']) {
      const files = ['system_tables', 'performance_tables', 'system_tables_data'].map((name) =>
        join(share, `${prefix}_${name}.sql`),
      );
      if (!files.every((file) => existsSync(file))) continue;
      const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
      // Root with an empty password: the socket's folder is open to its owner alone.
      return [
        'create database mysql;',
        'use mysql;',
        'set @auth_root_socket = null;',
        ...texts,
        '',
      ].join('\n');
    }
  }
  return undefined;
}

async function createDatabase(socket: string, driver: Promise<Driver>): Promise<void> {
  const { createConnection } = await driver;
  const connection = await createConnection({ socketPath: socket, user: 'root' });
  try {
    await connection.query('CREATE DATABASE IF NOT EXISTS temjob CHARACTER SET utf8mb4');
  } finally {
    await connection.end();
  }
}

function refuseOtherProduct({ binary }: Site, dataDir: string): void {
  const other = binary.product === 'MySQL' ? 'MariaDB' : 'MySQL';
  if (!existsSync(join(dataDir, other.toLowerCase()))) return;
  throw new Error(
    `the state in ${dataDir} was written by ${other}, but the server found is ${binary.product} (${binary.path}), which cannot read it. ` +
      `To fix it, put ${other} first in PATH, or start on a data directory of its own.`,
  );
}
