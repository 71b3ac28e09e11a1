import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { DevError } from './dev-error.ts';

export interface Binary {
  readonly path: string;
  /** "Redis", "Valkey", "MariaDB" or "MySQL". */
  readonly product: string;
  readonly version: string;
}

/** Where to look after PATH: Debian keeps servers out of a user's PATH, Homebrew keeps some out of everybody's. */
// scripts/setup.sh looks in the same places.
const alsoIn = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/libexec',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/mysql/bin',
  '/usr/local/mysql/bin',
];

export async function findRedis(env: NodeJS.ProcessEnv = process.env): Promise<Binary> {
  const path = findProgram(['redis-server', 'valkey-server'], env);
  if (path === undefined) throw new MissingServerError('Redis', 'redis-server or valkey-server');
  const text = await versionText(path);
  return {
    path,
    product: /valkey/i.test(text) ? 'Valkey' : 'Redis',
    version: /v=([\d.]+)/.exec(text)?.[1] ?? '',
  };
}

export async function findMysql(env: NodeJS.ProcessEnv = process.env): Promise<Binary> {
  const path = findProgram(['mariadbd', 'mysqld'], env);
  if (path === undefined) throw new MissingServerError('MySQL', 'mysqld or mariadbd');
  const text = await versionText(path);
  return {
    path,
    product: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL',
    version: /Ver ([\d.]+)/.exec(text)?.[1] ?? '',
  };
}

/** The first of the names that a directory has, the directories of PATH first. */
export function findProgram(
  names: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const directories = [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...alsoIn];
  for (const directory of directories) {
    for (const name of names) {
      const path = join(directory, name);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

export class MissingServerError extends DevError {
  override readonly name = 'MissingServerError';
  override readonly code = 'SERVER_MISSING';
  /** EX_CONFIG of sysexits.h. */
  override readonly exitCode = 78;

  constructor(server: 'Redis' | 'MySQL', programs: string) {
    const variable = server === 'Redis' ? 'TEMJOB__REDIS__URL' : 'TEMJOB__DATABASE__MYSQL__URL';
    super(
      `no ${server} server found: there is no ${programs} in PATH or the usual places. ` +
        `TemJob keeps its state in real servers, in development too. ` +
        `To fix it, run "sh scripts/setup.sh", or install it ` +
        `(Debian, Ubuntu: apt-get install redis-server mariadb-server; macOS: brew install redis mariadb), ` +
        `or set ${variable} to a server that runs already.`,
    );
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function versionText(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ['--version']);
  return stdout;
}
