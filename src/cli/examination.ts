import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseAddress } from '#cluster/mysql/address.ts';
import { remedyOf } from '#cluster/mysql/failures.ts';
import { Pool } from '#cluster/mysql/pool.ts';
import { int, text } from '#cluster/mysql/row.ts';
import { checkSettings } from '#cluster/mysql/settings.ts';
import { RedisLink } from '#cluster/redis/connection.ts';
import { type Binary, findMysql, findRedis } from '#dev/binaries.ts';

import {
  type Config,
  ConfigError,
  type ConfigSources,
  moduleUrls,
  mysqlUrl,
  namedServers,
  readConfig,
  redisUrl,
} from '../runtime/config.ts';
import { isTaken } from '../runtime/port-taken.ts';
import { redacted } from '../runtime/redaction.ts';
import type { Finding } from './doctor.ts';

/** Looks at everything that a node needs; never rejects because of what it finds. */
export async function examine(sources: ConfigSources): Promise<readonly Finding[]> {
  const findings: Finding[] = [nodeVersion()];
  let config: Config;
  try {
    const read = readConfig(sources);
    config = read.config;
    findings.push(well('Configuration', sources.file ?? 'of the environment and defaults'));
    findings.push(...read.notes.map((note) => warning('Configuration', note)));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    findings.push(...error.problems.map((problem) => wrong('Configuration', problem)));
    return findings;
  }
  const named = namedServers(config);
  const isForDevelopment = Object.keys(named).length === 0 && sources.file === undefined;
  const parts = await Promise.all([
    isForDevelopment
      ? program('MySQL', findMysql)
      : looked('MySQL', async () => await mysql(mysqlUrl(config))),
    isForDevelopment
      ? program('Redis', findRedis)
      : looked('Redis', async () => await redis(redisUrl(config), config.redis.prefix)),
    looked('Port', async () => await port(config)),
    looked('Modules', async () => modules(config, isForDevelopment)),
    looked('Disk', async () => await disk(config)),
  ]);
  return [...findings, ...parts.flat()];
}

const well = (about: string, detail: string): Finding => ({ about, state: 'well', detail });
const warning = (about: string, detail: string): Finding => ({ about, state: 'warning', detail });
const wrong = (about: string, detail: string): Finding => ({ about, state: 'wrong', detail });

/** What throws is wrong, and its message says why. */
async function looked(
  about: string,
  look: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [wrong(about, redacted(error instanceof Error ? error.message : String(error)))];
  }
}

const leastNode = 24;

function nodeVersion(): Finding {
  const version = process.versions.node;
  if (Number(version.split('.')[0]) >= leastNode) return well('Node.js', version);
  return wrong('Node.js', `${version} is too old: install ${leastNode} or newer from nodejs.org`);
}

async function program(about: string, find: () => Promise<Binary>): Promise<readonly Finding[]> {
  return await looked(about, async () => {
    const { product, version, path } = await find();
    return [
      well(about, `none is configured; temjob dev would start ${product} ${version}, ${path}`),
    ];
  });
}

// ---- servers ----

/** A workflow's times are those of its owner's clock: when owners differ, what they show does, too. */
const skewMs = 1_000;

async function mysql(url: string): Promise<readonly Finding[]> {
  const address = parseAddress(url);
  const pool = Pool.open(address, { size: 1 });
  const place = address.socketPath ?? `${address.host}:${address.port}`;
  try {
    const before = Date.now();
    const [row] = await pool
      .rows(
        `SELECT VERSION() AS version, @@max_allowed_packet AS packet,
                CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS now`,
      )
      .catch((error: unknown) => {
        const remedy = remedyOf(error, address.database);
        throw new Error(
          remedy === ''
            ? `does not answer at ${place}, database ${address.database}: ${reasonOf(error)}. Start it, or correct database.mysql in the configuration`
            : `answers at ${place}: ${reasonOf(error)}${remedy}`,
          { cause: error },
        );
      });
    if (row === undefined) throw new Error(`gave no answer at ${place}`);
    const skew = int(row, 'now') - (before + Date.now()) / 2;
    const problems = await checkSettings(pool);
    const packetMb = Math.floor(int(row, 'packet') / 1024 / 1024);
    return [
      well('MySQL', `${text(row, 'version')} answers at ${place}, database ${address.database}`),
      ...(problems.length > 0
        ? problems.map((problem) => wrong('MySQL', problem))
        : [well('MySQL', `settings keep what is promised; max_allowed_packet is ${packetMb} MiB`)]),
      Math.abs(skew) > skewMs
        ? warning(
            'Clock',
            `this machine and the one of MySQL differ by ${(skew / 1000).toFixed(1)} s: let NTP set both`,
          )
        : well(
            'Clock',
            `this machine and the one of MySQL differ by ${Math.abs(skew).toFixed(0)} ms`,
          ),
    ];
  } finally {
    await pool.close();
  }
}

async function redis(url: string, prefix: string): Promise<readonly Finding[]> {
  const link = await RedisLink.connect(url, prefix);
  try {
    const info = new Map(
      (await link.commands.info())
        .split('\r\n')
        .map((line) => line.split(':', 2))
        .map(([name = '', value = '']) => [name, value]),
    );
    const problems = await link.checkSettings();
    const isKept = info.get('aof_enabled') === '1';
    return [
      well('Redis', `${info.get('valkey_version') ?? info.get('redis_version') ?? ''} answers`),
      ...(problems.length > 0
        ? problems.map((problem) => wrong('Redis', problem))
        : [well('Redis', `maxmemory-policy is ${info.get('maxmemory_policy') ?? 'noeviction'}`)]),
      isKept
        ? well('Redis', 'persists by an append-only file')
        : warning(
            'Redis',
            'keeps nothing over a restart, which costs seconds and never data. To save them: CONFIG SET appendonly yes, and in redis.conf',
          ),
    ];
  } finally {
    await link.close();
  }
}

// ---- this machine ----

async function port({ server }: Config): Promise<readonly Finding[]> {
  const { host, port: wanted } = server;
  const isLoopback = /^(localhost|127\..*|\[?::1\]?)$/.test(host);
  if (!isLoopback && server.auth.keys.length === 0) {
    return [
      wrong(
        'Port',
        `server.host is ${host}, which others can reach, and no key is asked for: add one to server.auth.keys ("temjob key create" makes it)`,
      ),
    ];
  }
  if (wanted === 0) return [well('Port', 'any free one')];
  if (!(await isTaken(wanted, host))) return [well('Port', `${wanted} of ${host} is free`)];
  if (await isOurs(wanted, host)) {
    return [well('Port', `${wanted} of ${host} is that of a TemJob node that runs`)];
  }
  return [
    wrong('Port', `${wanted} of ${host} is in use by another program: end it, or set server.port`),
  ];
}

async function isOurs(wanted: number, host: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}:${wanted}/livez`, {
      signal: AbortSignal.timeout(2_000),
    });
    return (await response.text()).includes('"ok"');
  } catch {
    return false;
  }
}

function modules(config: Config, isForDevelopment: boolean): readonly Finding[] {
  const urls = moduleUrls(config);
  const missing = urls
    .filter((url) => url.startsWith('file:'))
    .map((url) => fileURLToPath(url))
    .filter((path) => !existsSync(path));
  if (missing.length > 0) {
    return missing.map((path) =>
      wrong('Modules', `${path} is not there: correct node.modules, which counts from here`),
    );
  }
  const names = config.node.modules.join(', ');
  if (urls.length > 0) return [well('Modules', names)];
  return [
    isForDevelopment
      ? well('Modules', 'none; temjob dev would run the samples')
      : warning('Modules', 'none, so this node would run no tasks: set node.modules or --modules'),
  ];
}

const littleBytes = 1024 ** 3;
const tooLittleBytes = 100 * 1024 ** 2;

async function disk({ logging }: Config): Promise<readonly Finding[]> {
  const isFile = !['stdout', 'stderr'].includes(logging.output);
  const log = logging.output === 'file' ? (logging.file_path ?? '.') : logging.output;
  const places = [resolve('.'), ...(isFile ? [nearest(dirname(resolve(log)))] : [])];
  return await Promise.all(
    [...new Set(places)].map(async (place) => {
      const { bavail, bsize } = await statfs(place);
      const free = bavail * bsize;
      const detail = `${(free / 1024 ** 3).toFixed(1)} GiB are free at ${place}`;
      if (free < tooLittleBytes) return wrong('Disk', `${detail}: make room`);
      return free < littleBytes
        ? warning('Disk', `${detail}: make room soon`)
        : well('Disk', detail);
    }),
  );
}

/** The directory, or the one above it that is there. */
function nearest(directory: string): string {
  return existsSync(directory) ? directory : nearest(dirname(directory));
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
