import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';

import { startPrivateServers } from '#dev/private-servers.ts';

/** Work that servers have done so far, as they count it themselves. */
export interface ServerCounts {
  /** Those inside scripts included. */
  readonly redisCommands: number;
  readonly mysqlCommits: number;
}

/** A real Redis and a real MySQL of one's own, with the settings that the promises of TemJob need. */
export class BenchServers implements AsyncDisposable {
  readonly redisUrl: string;
  readonly #mysqlUrl: string;
  readonly #redis: Redis;
  readonly #mysql: Connection;
  readonly #undo: AsyncDisposableStack;
  #databases = 0;

  static async start(): Promise<BenchServers> {
    await using undo = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), 'temjob-bench-'));
    undo.defer(async () => await rm(dataDir, { recursive: true, force: true }));
    const { urls } = undo.use(await startPrivateServers({ dataDir }));
    const redis = new Redis(decodeURIComponent(new URL(urls.redis).pathname));
    undo.defer(() => redis.disconnect());
    const mysql = await createConnection(urls.mysql);
    undo.defer(async () => await mysql.end());
    await checkDurability(redis, mysql);
    return new BenchServers(urls, redis, mysql, undo.move());
  }

  private constructor(
    urls: { readonly redis: string; readonly mysql: string },
    redis: Redis,
    mysql: Connection,
    undo: AsyncDisposableStack,
  ) {
    this.redisUrl = urls.redis;
    this.#mysqlUrl = urls.mysql;
    this.#redis = redis;
    this.#mysql = mysql;
    this.#undo = undo;
  }

  /** Empties Redis, and makes an empty database. Resolves with its URL. */
  async renew(): Promise<string> {
    await this.#redis.flushall('SYNC');
    if (this.#databases > 0) await this.#mysql.query(`DROP DATABASE bench_${this.#databases}`);
    this.#databases += 1;
    await this.#mysql.query(`CREATE DATABASE bench_${this.#databases} CHARACTER SET utf8mb4`);
    const url = new URL(this.#mysqlUrl);
    url.pathname = `/bench_${this.#databases}`;
    return url.href;
  }

  async counts(): Promise<ServerCounts> {
    const stats = await this.#redis.info('stats');
    const [rows] = await this.#mysql.query<RowDataPacket[]>(
      `SHOW GLOBAL STATUS WHERE Variable_name IN (${commitCounters.map((name) => `'${name}'`).join(', ')})`,
    );
    return {
      redisCommands: Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]),
      mysqlCommits: rows.reduce((sum, row) => sum + Number(row['Value']), 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }
}

/**
 * Outside of transactions each statement that writes is one commit. TemJob has transactions in claims and migrations alone,
 * which are not measured; the statements of one would be counted besides its COMMIT.
 */
const commitCounters = [
  'Com_commit',
  'Com_insert',
  'Com_insert_select',
  'Com_update',
  'Com_update_multi',
  'Com_delete',
  'Com_delete_multi',
  'Com_replace',
];

async function checkDurability(redis: Redis, mysql: Connection): Promise<void> {
  const [flush] = await mysql.query<RowDataPacket[]>(
    'SELECT @@innodb_flush_log_at_trx_commit AS value',
  );
  const [, appendOnly] = await redis.config('GET', 'appendonly');
  const [, appendSync] = await redis.config('GET', 'appendfsync');
  const found = `${flush[0]?.['value']} ${appendOnly} ${appendSync}`;
  if (found !== '1 yes everysec') throw new Error(`the servers have other settings: ${found}`);
}
