import { ClusterError, type ReadinessCheck } from './api.ts';
import { type NodeHealth, unavailable } from './health.ts';
import { silenceMs } from './members/member.ts';
import type { Membership } from './members/membership.ts';
import type { Presence } from './members/presence.ts';
import type { Store } from './mysql/store.ts';
import type { RedisLink } from './redis/connection.ts';
import { command } from './redis/scripts.ts';

/** As long as MySQL is given. */
const redisMs = 1_500;

/** What a node needs to serve, looked at when somebody asks. */
export class Readiness {
  readonly #presence: Presence;
  readonly #health: NodeHealth;
  readonly #membership: Membership;
  readonly #store: Store;
  readonly #redis: RedisLink;

  constructor(parts: {
    presence: Presence;
    health: NodeHealth;
    membership: Membership;
    store: Store;
    redis: RedisLink;
  }) {
    this.#presence = parts.presence;
    this.#health = parts.health;
    this.#membership = parts.membership;
    this.#store = parts.store;
    this.#redis = parts.redis;
  }

  /** Each thing by itself. Never rejects; what a server or its driver says stays in the log. */
  async checks(): Promise<readonly ReadinessCheck[]> {
    return await Promise.all([
      checked('serving', async () => this.#assertTakesPart()),
      checked('mysql', async () => await this.#assertMysql()),
      checked('redis', async () => await this.#assertRedis()),
      checked('membership', async () => this.#assertSeen()),
    ]);
  }

  /** Rejects with what is missing. */
  async assert(): Promise<void> {
    this.#health.assertServing();
    this.#assertTakesPart();
    await Promise.all([this.#assertMysql(), this.#assertRedis()]);
    this.#assertSeen();
  }

  #assertTakesPart(): void {
    const { name, isLeaving, isDrained } = this.#presence;
    if (isLeaving) throw new ClusterError('DRAINING', `node ${name} is shutting down`);
    if (isDrained) {
      throw new ClusterError(
        'DRAINING',
        `node ${name} is drained; undrain it to let it take part again`,
      );
    }
  }

  async #assertMysql(): Promise<void> {
    try {
      await this.#store.ready();
    } catch (error) {
      throw unavailable('MySQL does not answer', error);
    }
  }

  async #assertRedis(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer in ${redisMs} ms`)), redisMs);
    try {
      await Promise.race([this.#redis.run(command('ping')), late.promise]);
    } catch (error) {
      throw unavailable('Redis does not answer', error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Who cannot tell of itself for so long counts as gone to the others, who then take its shards. */
  #assertSeen(): void {
    const { silentMs } = this.#membership;
    if (silentMs < silenceMs) return;
    const seconds = Math.round(silentMs / 1_000);
    throw unavailable(`this node has not been able to tell the others of itself for ${seconds} s`);
  }
}

async function checked(
  name: ReadinessCheck['name'],
  look: () => Promise<void>,
): Promise<ReadinessCheck> {
  try {
    await look();
    return { name, ok: true };
  } catch (error) {
    return { name, ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}
