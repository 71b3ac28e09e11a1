import { DevError } from './dev-error.ts';
import type { ServerUrls } from './private-servers.ts';

/** Rejects when a server that the user has named does not answer: that is never a reason to start another one. */
export async function checkConfigured({ redis, mysql }: Partial<ServerUrls>): Promise<void> {
  await Promise.all([
    redis === undefined ? undefined : reach('Redis', redis, pingRedis),
    mysql === undefined ? undefined : reach('MySQL', mysql, pingMysql),
  ]);
}

export class UnreachableServerError extends DevError {
  override readonly name = 'UnreachableServerError';
  override readonly code = 'SERVER_UNREACHABLE';
  /** EX_UNAVAILABLE of sysexits.h. */
  override readonly exitCode = 69;

  constructor(server: Server, url: string, options: ErrorOptions) {
    const section = server === 'Redis' ? 'TEMJOB__REDIS' : 'TEMJOB__DATABASE__MYSQL';
    super(
      `cannot use the ${server} server at ${withoutPassword(url)}: ${reasonOf(options.cause)}. ` +
        `It is configured, so TemJob does not start one of its own. ` +
        `To fix it, start that server, correct ${section}__URL (or __HOST and __PORT), ` +
        `or unset it to have a private server.`,
      options,
    );
  }
}

type Server = 'Redis' | 'MySQL';
const patienceMs = 5_000;

async function reach(
  server: Server,
  url: string,
  ping: (url: string) => Promise<void>,
): Promise<void> {
  try {
    await ping(url);
  } catch (cause) {
    throw new UnreachableServerError(server, url, { cause });
  }
}

async function pingRedis(url: string): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: patienceMs,
    commandTimeout: patienceMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // The promise of connect says only that the connection is closed; the event says why.
  const failed = new Promise<never>((_, reject) => redis.once('error', reject));
  try {
    await Promise.race([redis.connect().then(() => redis.ping()), failed]);
  } finally {
    redis.disconnect();
  }
}

async function pingMysql(url: string): Promise<void> {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({ uri: url, connectTimeout: patienceMs });
  try {
    await connection.query({ sql: 'SELECT 1', timeout: patienceMs });
  } finally {
    connection.destroy();
  }
}

function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):[^@]*@/, '$1:…@');
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
}
