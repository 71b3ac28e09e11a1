import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { createPool, type Pool as DriverPool } from 'mysql2';
import type {
  Pool as PromisePool,
  PoolConnection,
  ResultSetHeader,
  RowDataPacket,
} from 'mysql2/promise';

import { type Address } from './address.ts';
import { isConnectionFailure, isLockFailure, StatementTimeoutError } from './failures.ts';
import type { Row } from './row.ts';

export type Value = string | number | null | Buffer;

export interface PoolOptions {
  /** After it a statement counts as lost and its connection is given up. */
  readonly statementMs?: number;
  readonly lockWaitSeconds?: number;
  /** A connection was used for so long. */
  readonly onUsed?: (ms: number) => void;
}

/** How many connections are used, are waited for, and are allowed. */
export interface PoolLoad {
  readonly inUse: number;
  readonly waiting: number;
  readonly size: number;
}

/**
 * A few connections with the session settings that our statements rely on. Values always travel as parameters.
 * Statements of `rows` and `run` are sent again, a few times, when they lost against a lock or met a dead connection;
 * so only idempotent ones may be given to them.
 */
export class Pool {
  readonly #pool: PromisePool;
  readonly #statementMs: number;
  readonly #onUsed: (ms: number) => void;
  readonly #size: number;
  #inUse = 0;
  #waiting = 0;

  static open(address: Address, { size, ...options }: PoolOptions & { size: number }): Pool {
    const pool = createPool({
      ...connectionOptions(address),
      connectionLimit: size,
      maxIdle: size,
    });
    return new Pool(pool, size, options);
  }

  /** Over a pool of the driver that nobody has used yet. */
  constructor(
    pool: DriverPool,
    size: number,
    { statementMs = 10_000, lockWaitSeconds = 5, onUsed = () => {} }: PoolOptions = {},
  ) {
    this.#statementMs = statementMs;
    this.#onUsed = onUsed;
    this.#size = size;
    // The settings are queued on a new connection before its first statement.
    pool.on('connection', (connection) => {
      for (const sql of sessionSettings(lockWaitSeconds)) {
        connection.query(sql, (error) => {
          if (error !== null) connection.destroy();
        });
      }
    });
    this.#pool = pool.promise();
  }

  /** Now. Connections that others borrow from the same pool of the driver do not count. */
  get load(): PoolLoad {
    return { inUse: this.#inUse, waiting: this.#waiting, size: this.#size };
  }

  async rows(sql: string, values: readonly Value[] = []): Promise<readonly Row[]> {
    return await retrying(() =>
      this.use(async (connection) => {
        const [rows] = await connection.query<RowDataPacket[]>(sql, [...values]);
        return rows;
      }),
    );
  }

  /** Resolves to the number of affected rows, in the sense of CLIENT_FOUND_ROWS: an UPDATE counts matched rows. */
  async run(sql: string, values: readonly Value[] = []): Promise<number> {
    return await retrying(() =>
      this.use(async (connection) => {
        const [result] = await connection.query<ResultSetHeader>(sql, [...values]);
        return result.affectedRows;
      }),
    );
  }

  /** Sends a prepared statement, once; for SQL texts of which there are few. */
  async execute(sql: string, values: readonly Value[], signal?: AbortSignal): Promise<number> {
    return await this.use(async (connection) => {
      const [result] = await connection.execute<ResultSetHeader>(sql, [...values]);
      return result.affectedRows;
    }, signal);
  }

  /** Rejects when no answer came within the limit, the wait for a connection included. */
  async ping(limitMs: number): Promise<void> {
    const given = withLimit(limitMs, undefined);
    try {
      await Promise.race([
        this.use(async (connection) => await connection.query('SELECT 1'), undefined, limitMs),
        given.ended,
      ]);
    } finally {
      given.clear();
    }
  }

  /** Lends a connection for as long as `work` takes, at most for the limit. */
  async use<T>(
    work: (connection: PoolConnection) => Promise<T>,
    signal?: AbortSignal,
    limitMs: number = this.#statementMs,
  ): Promise<T> {
    signal?.throwIfAborted();
    const connection = await this.#borrow();
    const startedAt = performance.now();
    const given = withLimit(limitMs, signal);
    try {
      const result = await Promise.race([work(connection), given.ended]);
      connection.release();
      return result;
    } catch (error) {
      if (given.hasEnded() || isConnectionFailure(error)) connection.destroy();
      else connection.release();
      throw error;
    } finally {
      given.clear();
      this.#inUse -= 1;
      this.#onUsed(performance.now() - startedAt);
    }
  }

  async #borrow(): Promise<PoolConnection> {
    this.#waiting += 1;
    try {
      const connection = await this.#pool.getConnection();
      this.#inUse += 1;
      return connection;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Lets go of the connections; waits only so long for those that still expect an answer. */
  async close(): Promise<void> {
    const given = withLimit(1_000, undefined);
    try {
      // It rejects with the trouble of connections that are broken anyway.
      await Promise.race([this.#pool.end(), given.ended]).catch(() => {});
    } finally {
      given.clear();
    }
  }
}

export function connectionOptions(address: Address) {
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    ...(address.socketPath === undefined ? {} : { socketPath: address.socketPath }),
    ...(address.ssl === undefined ? {} : { ssl: address.ssl }),
    charset: 'utf8mb4_bin',
    connectTimeout: 5_000,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
    supportBigNumbers: true,
  };
}

/**
 * READ COMMITTED: no gap locks, and the commit statement's fence is a lock, not a read view. The SQL mode is strict, so that
 * nothing is cut short, and without NO_BACKSLASH_ESCAPES, under which the driver's escaping would be wrong.
 */
export function sessionSettings(lockWaitSeconds: number): readonly string[] {
  assert(Number.isInteger(lockWaitSeconds));
  return [
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    `SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = ${lockWaitSeconds}`,
  ];
}

/** `(?,?),(?,?)` */
export function tuples(rows: number, columns: number): string {
  const one = `(${'?,'.repeat(columns).slice(0, -1)})`;
  return `${one},`.repeat(rows).slice(0, -1);
}

/** `(?,?,?)` */
export function list(count: number): string {
  return tuples(1, count);
}

/**
 * So many pairs of shard and id as a table to join with: `FROM (…) k STRAIGHT_JOIN actor a ON a.shard_id = k.shard_id AND a.id = k.id`.
 * Measured, 500 rows of 4.5 kB by their keys, in ms: this 4 with MariaDB 10.11 and 7 with MySQL 9.7, `(shard_id, id) IN (…)` 55 and 9;
 * of 20 rows 0.3 and 0.5, 0.7 and 0.6.
 */
export function keyRows(count: number): string {
  return `SELECT CAST(? AS UNSIGNED) AS shard_id, ? AS id${' UNION ALL SELECT ?, ?'.repeat(count - 1)}`;
}

async function retrying<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      const attempts = isLockFailure(error) ? 5 : isLost(error) ? 2 : 1;
      if (attempt >= attempts) throw error;
      await sleep(20 * attempt * (0.5 + Math.random()));
    }
  }
}

// Asking a server again that is slow or refuses connections only doubles the wait; a connection that died since it was last used is worth another.
function isLost(error: unknown): boolean {
  return isConnectionFailure(error) && !(error instanceof StatementTimeoutError);
}

function withLimit(limitMs: number, signal: AbortSignal | undefined) {
  const { promise, reject } = Promise.withResolvers<never>();
  let ended = false;
  const end = (reason: unknown): void => {
    ended = true;
    reject(reason);
  };
  const abort = (): void => end(signal?.reason);
  const timer = setTimeout(() => end(new StatementTimeoutError(limitMs)), limitMs);
  signal?.addEventListener('abort', abort, { once: true });
  return {
    ended: promise,
    hasEnded: () => ended,
    clear: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    },
  };
}
