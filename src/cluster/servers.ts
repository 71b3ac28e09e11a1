import type { NodeHealth } from './health.ts';
import { Store } from './mysql/store.ts';
import type { Notices } from './notices.ts';
import { RedisLink } from './redis/connection.ts';
import { ServerUnreachableError } from './server-unreachable.ts';

/** The servers are set so that a node could not keep its promises. */
export class UnsafeSettingsError extends Error {
  override readonly name = 'UnsafeSettingsError';
  readonly code = 'UNSAFE_SETTINGS';

  constructor(problems: readonly string[]) {
    super(
      `TemJob does not start on settings under which it cannot keep its promises:\n- ${problems.join('\n- ')}`,
    );
  }
}

/** Connects to both, and refuses settings that are unsafe. What was opened is closed again when the other fails. */
export async function openServers(options: {
  readonly redis: string;
  readonly redisPrefix: string;
  readonly mysql: string;
  readonly mysqlPoolSize: number;
  readonly shards: number;
  readonly health: NodeHealth;
  readonly notices: Notices;
}): Promise<{ redis: RedisLink; store: Store }> {
  await using opened = new AsyncDisposableStack();
  const { health, notices } = options;
  const [redis, store] = await allOrThrow([
    RedisLink.connect(options.redis, options.redisPrefix).then((link) =>
      opened.adopt(link, async (one) => await one.close()),
    ),
    Store.open(options.mysql, {
      shards: options.shards,
      poolSize: options.mysqlPoolSize,
      onDown: (error) => health.mysqlDown(error),
      onUp: () => health.mysqlUp(),
      onUsed: (pool, ms) => notices.emit('mysql.answered', { pool, ms }),
    }).then((one) => opened.adopt(one, async (open) => await open.close())),
  ]);
  const problems = [...(await redis.checkSettings()), ...(await store.checkSettings())];
  if (problems.length > 0) throw new UnsafeSettingsError(problems);
  opened.move();
  return { redis, store };
}

/** Like Promise.all, but settled as a whole: nothing is still opening when it throws, and it says all that is wrong. */
async function allOrThrow<A, B>([first, second]: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  const unreachable = (await Promise.allSettled([first, second]))
    .map((opened) => (opened.status === 'rejected' ? opened.reason : null))
    .filter((reason) => reason instanceof ServerUnreachableError);
  if (unreachable.length > 1) {
    const messages = unreachable.map(({ message }) => message);
    throw new ServerUnreachableError(messages.join('\n'), { cause: unreachable });
  }
  return await Promise.all([first, second]);
}
