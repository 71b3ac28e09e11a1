import type { Definition } from '#actors/definition.ts';

import type { ClusterApi } from './api.ts';
import { assemble, type Parts } from './assembly.ts';
import { type Gauges, gaugesOf, type QueueGauge, queueGauges } from './gauges.ts';
import { NodeHealth } from './health.ts';
import type { NodeMessage } from './messages/wire.ts';
import type { NodeOptions } from './node-options.ts';
import { defaults } from './node-options.ts';
import { Notices } from './notices.ts';
import { openServers } from './servers.ts';

export type { NodeOptions } from './node-options.ts';

/** How long the steps of a stop may take when a server is away. */
const sayMs = 1_000;
const handOverMs = 10_000;
const farewellMs = 5_000;

/**
 * A node of the cluster.
 *
 * The way of a message: `Courier` puts it into the mailbox of its shard (Redis) and rings; the `MailboxReader` of the owner
 * gives it to the `Engine`; the model decides; `GroupCommit` makes it durable (MySQL); then effects leave: work to the
 * `Dispatcher`, replies and live changes to the `Courier`; results come back as messages.
 */
export class Node {
  readonly name: string;
  readonly id: string;
  readonly notices: Notices;
  readonly api: ClusterApi;
  readonly #parts: Parts;
  readonly #drainGraceMs: number;
  #stopping: Promise<void> | null = null;

  /** Resolves when the node serves. Rejects, saying what to do, when it cannot: servers, settings, schema, modules. */
  static async start(options: NodeOptions): Promise<Node> {
    const notices = options.notices ?? new Notices();
    const health = new NodeHealth(options.name, notices);
    const { redis, store } = await openServers({
      redis: options.redis,
      redisPrefix: options.redisPrefix ?? defaults.redisPrefix,
      mysql: options.mysql,
      mysqlPoolSize: options.mysqlPoolSize ?? defaults.mysqlPoolSize,
      shards: options.shards ?? defaults.shards,
      health,
      notices,
    });
    let parts: Parts;
    try {
      parts = await assemble({ options, notices, health, redis, store });
    } catch (error) {
      await Promise.allSettled([redis.close(), store.close()]);
      throw error;
    }
    const node = new Node(options, notices, parts);
    try {
      await node.#start();
    } catch (error) {
      await node.stop({ graceMs: 0 });
      throw error;
    }
    return node;
  }

  private constructor(options: NodeOptions, notices: Notices, parts: Parts) {
    this.name = options.name;
    this.id = parts.presence.id;
    this.notices = notices;
    this.api = parts.api;
    this.#parts = parts;
    this.#drainGraceMs = options.drainGraceMs ?? defaults.drainGraceMs;
  }

  /** Tells the cluster where this node's HTTP door is. */
  announceUrl(url: string): void {
    this.#parts.presence.url = url;
    this.#parts.membership.announce();
  }

  /** Registers more definitions while the node runs; their code runs on the main thread. */
  async add(definition: Definition): Promise<void> {
    const { executor, definitions, membership } = this.#parts;
    executor.add(definition);
    if (definition.kind === 'workflow') await definitions.register([definition]);
    membership.announce();
  }

  /** Takes a share of the shards, or hands its share over. */
  async setEngine(on: boolean): Promise<void> {
    const { presence, membership, ownership } = this.#parts;
    presence.wantsShards = on;
    await this.#attempt('say what it takes', sayMs, async () => await membership.tell());
    if (presence.takesShards) ownership.resume();
    else await ownership.drain();
  }

  /** Offers its handlers to the cluster, or takes no more work; what runs goes on. */
  async setWorker(on: boolean): Promise<void> {
    const { presence, membership, queueWorker } = this.#parts;
    presence.wantsWork = on;
    membership.announce();
    if (presence.takesWork) queueWorker.start();
    else await queueWorker.drain();
  }

  /** How many actors are in memory, how many shards it owns, how much work it runs: for people and for tests. */
  load(): { readonly actors: number; readonly shards: number; readonly running: number } {
    const { engine, dispatcher } = this.#parts;
    return {
      actors: engine.activationCount,
      shards: engine.shards.size,
      running: dispatcher.runningCount,
    };
  }

  /** All that can be counted here and now, for metrics. */
  gauges(): Gauges {
    return gaugesOf(this.#parts);
  }

  /** How much lies in the queues of the cluster that some node offers or that this one waits for. Asks Redis. */
  async queues(): Promise<readonly QueueGauge[]> {
    return await queueGauges(this.#parts);
  }

  /**
   * Leaves the cluster in order: refuses new calls, hands its shards over, lets running tasks end (or gives them back after
   * the grace period), delivers their results, and is gone. May be called twice.
   */
  async stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.graceMs ?? this.#drainGraceMs);
    await this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ graceMs: 0 });
  }

  async #start(): Promise<void> {
    const { store, definitions, executor, presence, background, ...parts } = this.#parts;
    await store.migrate();
    await definitions.register(executor.definitions.filter((one) => one.kind === 'workflow'));
    this.#listen();
    await parts.membership.start();
    await parts.ownership.start({ resting: !presence.takesShards });
    parts.reader.start();
    parts.checkpointer.start();
    parts.janitor.start();
    parts.logs.start();
    parts.publisher.start();
    parts.throughput.start();
    parts.feed.start();
    parts.housekeeping.start();
    if (presence.takesWork) parts.queueWorker.start();
    background.run('warm the object-relational mapper', async () => await store.warm());
    this.notices.emit('node.ready', { node: this.id });
  }

  #listen(): void {
    const { redis, doorbell, inbox, reader, queueWorker, hear } = this.#parts;
    doorbell.listen((rung) => {
      for (const member of rung) {
        if (member.startsWith('s')) reader.rung(Number(member.slice(1)));
        else queueWorker.rung(member.slice(1));
      }
    });
    inbox.listen((messages) => {
      for (const text of messages) {
        const message: NodeMessage = JSON.parse(text);
        hear(message);
      }
    });
    redis.onChange((state, dataMayBeLost) => this.#redisChanged(state, dataMayBeLost));
  }

  #redisChanged(state: 'up' | 'down', dataMayBeLost: boolean): void {
    const { health, reader, janitor, ownership, background } = this.#parts;
    if (state === 'down') {
      health.redisDown();
      return;
    }
    health.redisUp(dataMayBeLost);
    reader.rewind();
    if (!dataMayBeLost) return;
    janitor.reconsider();
    background.run('tell Redis who owns what', async () => await ownership.reinstall());
  }

  async #stop(graceMs: number): Promise<void> {
    const { presence, health, background, redis, store, ...parts } = this.#parts;
    this.notices.emit('node.draining', { node: this.id });
    health.drain();
    presence.isLeaving = true;
    await this.#attempt('say that it leaves', sayMs, async () => await parts.membership.tell());
    await parts.queueWorker.drain();
    await this.#attempt('hand shards over', handOverMs, async () => await parts.ownership.drain());
    await parts.executor.stop(graceMs);
    await this.#attempt('deliver results', farewellMs, async () => await background.settled());
    parts.dispatcher.stop();
    await this.#attempt('store task logs', farewellMs, async () => await parts.logs.stop());
    await this.#attempt('store throughput', sayMs, async () => await parts.throughput.stop());
    parts.engine.timers.stop();
    await this.#attempt('end duties', farewellMs, async () => {
      await Promise.all([
        parts.housekeeping.stop(),
        parts.ownership.stop(),
        parts.checkpointer.stop(),
        parts.janitor.stop(),
        parts.queueWorker.stop(),
        parts.reader.stop(),
        parts.publisher.stop(),
        parts.feed.stop(),
      ]);
      await background.settled();
    });
    await this.#attempt('leave', farewellMs, async () => await parts.membership.leave());
    await Promise.all([parts.doorbell.stop(), parts.inbox.stop()]);
    await Promise.allSettled([redis.close(), store.close()]);
    this.notices.emit('node.stopped', { node: this.id });
  }

  /** A server that is away must not keep a node from stopping: what could not be done is made up for by the others. */
  async #attempt(duty: string, limitMs: number, work: () => Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`not done within ${limitMs} ms while stopping`));
    }, limitMs);
    try {
      await Promise.race([work(), late.promise]);
    } catch (error) {
      this.notices.emit('duty.failed', { duty, error });
    } finally {
      clearTimeout(timer);
    }
  }
}
