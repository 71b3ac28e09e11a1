import { existsSync, realpathSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { findProgram } from './binaries.ts';
import { DevError } from './dev-error.ts';
import { basicArguments, mysqlProgram, type MysqlSite, query } from './mysql-program.ts';
import { launch, ServerStartError, sizeOf, tail } from './server-program.ts';
import type { Warden } from './warden.ts';

interface Creation extends MysqlSite {
  readonly warden: Warden;
}

/** Creates the data directory unless there is one; resolves to whether it did. */
export async function createMysqlData(creation: Creation): Promise<boolean> {
  if (existsSync(creation.data)) return false;
  refuseOtherProduct(creation);
  // Under another name until it is complete, so that one that exists is.
  const draft = { ...creation, data: `${creation.data}.new` };
  if (creation.binary.product === 'MySQL') await createByInitialize(draft);
  else if (!(await createByServer(draft))) await createByInstallScript(draft);
  await rename(draft.data, creation.data);
  return true;
}

async function createByInitialize(draft: Creation): Promise<void> {
  await emptyDirectory(draft.data);
  const args = [...basicArguments(draft.binary, draft.data), '--initialize-insecure'];
  await runToEnd(draft, draft.binary.path, args);
}

async function createByInstallScript(draft: Creation): Promise<void> {
  const script = findProgram(['mariadb-install-db'], {
    PATH: `${dirname(realpathSync(draft.binary.path))}:${process.env['PATH'] ?? ''}`,
  });
  if (script === undefined) {
    throw new DataDirectoryError(
      `${draft.binary.path} is there, but mariadb-install-db is not, and a new data directory needs it. ` +
        `To fix it, install the rest of MariaDB's server package (Debian: mariadb-server).`,
    );
  }
  await emptyDirectory(draft.data);
  const [noDefaults = '', ...rest] = basicArguments(draft.binary, draft.data);
  const own = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await runToEnd(draft, script, [noDefaults, ...own, ...rest]);
}

/**
 * Gives the statements of mariadb-install-db to a server of its own, in 0.3 s. The script takes 0.6 s, half of that for help texts
 * and the sys schema, and one time in three a second more: the server sleeps when its bootstrap's thread ends late (10.11, Nov 2026).
 * Resolves to false when this MariaDB's statements are not where they are known to be, or are not for this way.
 */
async function createByServer(draft: Creation): Promise<boolean> {
  const tables = await systemTables(draft.binary.path);
  if (tables === undefined) return false;
  await emptyDirectory(draft.data);
  const program = mysqlProgram(draft);
  try {
    const running = await launch(
      {
        ...program,
        args: [...program.args, '--skip-grant-tables', '--lc-messages=en_US'],
        settle: () => query(program.socket, draft.driver, tables),
      },
      draft.warden,
    );
    const { code } = await running.end(10_000);
    return code === 0;
  } catch {
    // The script goes the vendor's own way and says what is wrong, if anything is.
    return false;
  }
}

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
      // Root gets an empty password: the socket's folder is open to its owner alone.
      return `create database mysql; use mysql; set @auth_root_socket = null;\n${texts.join('\n')}`;
    }
  }
  return undefined;
}

async function runToEnd(draft: Creation, command: string, args: readonly string[]): Promise<void> {
  const { log } = mysqlProgram(draft);
  const logStart = await sizeOf(log);
  const running = await draft.warden.run({ command, args, log });
  const { code } = await running.wait();
  if (code === 0) return;
  const { path, product } = draft.binary;
  const what = `${product} (${path}) could not create its data directory`;
  throw new ServerStartError(what, log, await tail(log, logStart));
}

async function emptyDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
}

function refuseOtherProduct({ binary, places }: Creation): void {
  const other = binary.product === 'MySQL' ? 'MariaDB' : 'MySQL';
  if (!existsSync(join(places.dataDir, other.toLowerCase()))) return;
  throw new DataDirectoryError(
    `the state in ${places.dataDir} was written by ${other}, ` +
      `but the server found is ${binary.product} (${binary.path}), which cannot read it. ` +
      `To fix it, put ${other} first in PATH, or start on a data directory of its own.`,
  );
}

export class DataDirectoryError extends DevError {
  override readonly name = 'DataDirectoryError';
  override readonly code = 'DATA_DIR_UNUSABLE';
}
