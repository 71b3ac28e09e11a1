import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';

import type { Definition } from '#actors/definition.ts';
import { shardOf } from '#actors/ids.ts';
import type { Effect } from '#actors/message.ts';
import { defaultActorPolicy } from '#actors/user-actor.ts';

import type { ClusterApi } from './api.ts';
import { Background } from './background.ts';
import { Executor } from './compute/executor.ts';
import { DefinitionCache } from './definition-cache.ts';
import { Duty } from './duty.ts';
import { NodeLiveFeed } from './live/feed.ts';
import { LivePublisher } from './live/publisher.ts';
import type { MemberInfo } from './members/member.ts';
import { memberId } from './members/member.ts';
import { Membership } from './members/membership.ts';
import { Ownership } from './members/ownership.ts';
import { Calls } from './messages/calls.ts';
import { Courier } from './messages/courier.ts';
import { MailboxReader } from './messages/mailbox-reader.ts';
import type { NodeMessage } from './messages/wire.ts';
import { Store } from './mysql/store.ts';
import type { Condition } from './node-api.ts';
import { NodeApi } from './node-api.ts';
import { Notices } from './notices.ts';
import { Reads } from './reads.ts';
import { Beats } from './redis/beats.ts';
import { RedisLink } from './redis/connection.ts';
import { Doorbell, Doorbells } from './redis/doorbells.ts';
import { Inbox, Inboxes } from './redis/inbox.ts';
import { Mailboxes } from './redis/mailboxes.ts';
import { TaskQueues } from './redis/task-queues.ts';
import { Checkpointer } from './shards/checkpointer.ts';
import { Engine } from './shards/engine.ts';
import type { Shard } from './shards/shard.ts';
import { wakeWindowMs } from './shards/takeover.ts';
import { Dispatcher } from './tasks/dispatcher.ts';
import { Janitor } from './tasks/janitor.ts';
import { LogWriter } from './tasks/log-writer.ts';
import { QueueWorker } from './tasks/queue-worker.ts';

export interface NodeOptions {
  /** Unique in the cluster among the nodes that live. */
  readonly name: string;
  /** `redis://…`, `rediss://…` or `unix:///path/of.sock` */
  readonly redis: string;
  /** Before every key. Clusters that share a Redis need different ones. */
  readonly redisPrefix?: string;
  /** `mysql://user:password@host:port/database` */
  readonly mysql: string;
  /** Fixed when the cluster is created. */
  readonly shards?: number;
  /** `file:` URLs of modules that export tasks, workflows and actors. */
  readonly modules?: readonly string[];
  /** The same as objects: their code then runs on the main thread. */
  readonly definitions?: readonly Definition[];
  /** Owns shards: decides for the workflows of its share. On unless false; `setEngine` changes it. */
  readonly engine?: boolean;
  /** Runs tasks. On unless false; `setWorker` changes it. */
  readonly worker?: boolean;
  readonly threads?: number;
  /** Attempts that run at once. */
  readonly concurrency?: number;
  readonly isolatedThreads?: number;
  /** From a cancellation to the end of the thread of an isolated task. */
  readonly cancelGraceMs?: number;
  /** How long running tasks may go on when the node stops. */
  readonly drainGraceMs?: number;
  /** How long ended workflows are kept. */
  readonly retentionMs?: number;
  readonly notices?: Notices;
}

const defaults = {
  redisPrefix: 'temjob:',
  shards: 256,
  concurrency: 128,
  isolatedThreads: 2,
  cancelGraceMs: 5_000,
  drainGraceMs: 25_000,
  retentionMs: 30 * 24 * 3_600_000,
} as const;

const housekeepingMs = 60_000;

/**
 * A node of the cluster: where all the parts meet.
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
    const condition: Condition = { draining: false, mysqlDownSince: null, redisDownSince: null };
    const shards = options.shards ?? defaults.shards;
    const [redis, store] = await openServers(options, shards, condition, notices);
    try {
      return new Node(options, await build({ options, notices, condition, shards, redis, store }));
    } catch (error) {
      await Promise.allSettled([redis.close(), store.close()]);
      throw error;
    }
  }

  private constructor(options: NodeOptions, parts: Parts) {
    this.name = options.name;
    this.id = parts.id;
    this.notices = parts.notices;
    this.api = parts.api;
    this.#parts = parts;
    this.#drainGraceMs = options.drainGraceMs ?? defaults.drainGraceMs;
    this.notices.emit('node.ready', { node: this.id });
  }

  /** Tells the cluster where this node's HTTP door is. */
  announceUrl(url: string): void {
    this.#parts.self.url = url;
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
    const { self, membership, ownership } = this.#parts;
    self.takesShards = on;
    membership.announce();
    if (on) ownership.resume();
    else await ownership.drain();
  }

  /** Offers its handlers to the cluster, or takes no more work; what runs goes on. */
  async setWorker(on: boolean): Promise<void> {
    const { dispatcher, membership, queueWorker, work } = this.#parts;
    work.accepted = on;
    dispatcher.accept(on);
    if (on) queueWorker.start();
    else await queueWorker.drain();
    membership.announce();
  }

  /** How many actors are in memory, how much waits: for people and for tests. */
  load(): { readonly actors: number; readonly shards: number; readonly running: number } {
    const { engine, dispatcher } = this.#parts;
    return {
      actors: engine.activationCount,
      shards: engine.shards.size,
      running: dispatcher.runningCount,
    };
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

  async #stop(graceMs: number): Promise<void> {
    const parts = this.#parts;
    const { notices } = parts;
    notices.emit('node.draining', { node: this.id });
    parts.condition.draining = true;
    parts.self.draining = true;
    parts.membership.announce();
    parts.dispatcher.accept(false);
    await parts.queueWorker.drain();
    await attempt(notices, 'hand shards over', async () => await parts.ownership.drain());
    await parts.executor.stop(graceMs);
    await parts.background.settled();
    await attempt(notices, 'store task logs', async () => await parts.logs.stop());
    parts.engine.timers.stop();
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
    await parts.background.settled();
    await parts.membership.leave();
    await Promise.all([parts.doorbell.stop(), parts.inbox.stop()]);
    await Promise.allSettled([parts.redis.close(), parts.store.close()]);
    notices.emit('node.stopped', { node: this.id });
  }
}

async function openServers(
  options: NodeOptions,
  shards: number,
  condition: Condition,
  notices: Notices,
): Promise<[RedisLink, Store]> {
  const opened = await Promise.allSettled([
    RedisLink.connect(options.redis, options.redisPrefix ?? defaults.redisPrefix),
    Store.open(options.mysql, {
      shards,
      onDown: (error) => {
        condition.mysqlDownSince = performance.now();
        notices.emit('mysql.down', { error });
      },
      onUp: () => {
        condition.mysqlDownSince = null;
        notices.emit('mysql.up', {});
      },
    }),
  ]);
  const [redis, store] = opened;
  if (redis.status === 'fulfilled' && store.status === 'fulfilled') {
    const problems = [
      ...(await redis.value.checkSettings()),
      ...(await store.value.checkSettings()),
    ];
    if (problems.length === 0) return [redis.value, store.value];
    await Promise.allSettled([redis.value.close(), store.value.close()]);
    throw new Error(
      `TemJob does not start on settings under which it cannot keep its promises:\n- ${problems.join('\n- ')}`,
    );
  }
  if (redis.status === 'fulfilled') await redis.value.close();
  if (store.status === 'fulfilled') await store.value.close();
  const failed = opened.find((one) => one.status === 'rejected');
  throw failed?.reason;
}

interface Parts {
  readonly id: string;
  readonly notices: Notices;
  readonly condition: Condition;
  readonly self: { -readonly [Key in keyof MemberInfo]: MemberInfo[Key] };
  readonly redis: RedisLink;
  readonly store: Store;
  readonly background: Background;
  readonly executor: Executor;
  readonly definitions: DefinitionCache;
  readonly membership: Membership;
  readonly ownership: Ownership;
  readonly engine: Engine;
  readonly reader: MailboxReader;
  readonly checkpointer: Checkpointer;
  readonly dispatcher: Dispatcher;
  readonly work: { accepted: boolean };
  readonly queueWorker: QueueWorker;
  readonly janitor: Janitor;
  readonly logs: LogWriter;
  readonly publisher: LivePublisher;
  readonly feed: NodeLiveFeed;
  readonly doorbell: Doorbell;
  readonly inbox: Inbox;
  readonly housekeeping: Duty;
  readonly api: ClusterApi;
}

interface Ground {
  readonly options: NodeOptions;
  readonly notices: Notices;
  readonly condition: Condition;
  readonly shards: number;
  readonly redis: RedisLink;
  readonly store: Store;
}

/** Makes all parts, lets them know each other, and starts them in the order in which they need each other. */
async function build(ground: Ground): Promise<Parts> {
  const { options, notices, condition, shards, redis, store } = ground;
  const incarnation = randomBytes(6).toString('hex');
  const id = memberId({ name: options.name, incarnation });
  const background = new Background(notices);
  const mailboxes = new Mailboxes(redis);
  const doorbells = new Doorbells(redis);
  const queues = new TaskQueues(redis);
  const calls = new Calls();
  const definitions = new DefinitionCache(store.definitions);
  const courier = new Courier(
    id,
    shards,
    { mailboxes, doorbells, inboxes: new Inboxes(redis) },
    calls,
    background,
  );
  const policies = new Map<string, typeof defaultActorPolicy>();

  const engine: Engine = new Engine({
    shardCount: shards,
    journal: store.journal,
    snapshots: store.snapshots,
    definitions,
    notices,
    background,
    place: (queue) => dispatcher.place(queue),
    policy: (name) => policies.get(name) ?? defaultActorPolicy,
    outlet: {
      release: (effect) => release(effect),
      applied: (shard, entryIds) => reader.applied(shard, entryIds),
      departing: (batch) => publisher.departing(batch),
      ended: (activation) => {
        const { name, state } = activation.actor.summary();
        notices.emit('workflow.ended', { id: activation.id, name, state });
        reads.ended(activation);
      },
      lost: (shard) => {
        reads.lost(shard);
        ownership.reconsider();
      },
    },
  });
  const release = (effect: Effect): void => {
    switch (effect.type) {
      case 'execute':
        if (effect.where !== id) janitor.watch(effect.work.actor);
        dispatcher.execute(effect.work, effect.where);
        return;
      case 'abort':
        dispatcher.abort(effect);
        return;
      case 'reply':
        courier.reply(effect.to, effect.reply);
    }
  };
  const reader = new MailboxReader(mailboxes, engine, notices);
  const publisher = new LivePublisher(courier, engine, notices);
  const checkpointer = new Checkpointer(engine, store.checkpoints, notices);

  const self: Parts['self'] = {
    name: options.name,
    incarnation,
    url: null,
    offers: [],
    draining: false,
    takesShards: options.engine ?? true,
    shards: 0,
    startedAt: Date.now(),
  };
  const work = { accepted: options.worker ?? true };
  const membership: Membership = new Membership({
    beats: new Beats(redis),
    nodes: store.nodes,
    notices,
    self: () => ({
      ...self,
      offers: work.accepted ? [...executor.offers] : [],
      shards: engine.shards.size,
    }),
    onChange: () => {
      ownership.reconsider();
      janitor.reconsider();
    },
  });
  const dispatcher = new Dispatcher({
    node: id,
    engine,
    courier,
    queues,
    doorbells,
    membership,
    notices,
    background,
    onQueuedDone: (work) => queueWorker.done(work),
  });
  const janitor = new Janitor({ node: id, engine, membership, dispatcher, notices });
  const ownership: Ownership = new Ownership({
    self: { name: options.name, incarnation },
    claims: store.claims,
    journal: store.journal,
    snapshots: store.snapshots,
    mailboxes,
    engine,
    checkpointer,
    courier,
    membership,
    notices,
    onOwned: (owned: readonly Shard[]) => {
      janitor.adopt(owned);
      for (const { number } of owned) reader.rung(number);
    },
  });
  const reads = new Reads({
    node: id,
    shards,
    engine,
    snapshots: store.snapshots,
    ownership,
    courier,
    calls,
    background,
  });
  const feed = new NodeLiveFeed({ node: id, shards, courier, ownership, membership, notices });
  const logs = new LogWriter(shards, store.logs, notices, (workflow, lines) => {
    if (engine.openShardOf(workflow) !== null) {
      publisher.logged(workflow, lines);
      return;
    }
    const owner = ownership.ownerOf(shardOfWorkflow(workflow));
    if (owner !== null) courier.post(owner, { t: 'logs', id: workflow, lines });
  });
  const shardOfWorkflow = (workflow: string): number => shardOf(workflow, shards);

  const executor = await Executor.start({
    modules: options.modules ?? [],
    inline: options.definitions ?? [],
    node: options.name,
    threads: options.threads ?? Math.max(1, availableParallelism() - 1),
    concurrency: options.concurrency ?? defaults.concurrency,
    isolatedThreads: options.isolatedThreads ?? defaults.isolatedThreads,
    graceMs: options.cancelGraceMs ?? defaults.cancelGraceMs,
    warn: (message) => notices.emit('code.warning', { message }),
    events: {
      started: (work, at) => dispatcher.started(work, at),
      progressed: (work, progress) => dispatcher.progressed(work, progress),
      logged: (ref, line) => {
        const work = dispatcher.work(ref);
        if (work !== null) logs.add(work, line);
      },
      finished: (ref, outcome, startedAt) => {
        const work = dispatcher.work(ref);
        if (work !== null) logs.ended(work);
        dispatcher.finished(ref, outcome, startedAt);
      },
    },
  });
  const queueWorker = new QueueWorker({
    node: id,
    queues,
    executor,
    dispatcher,
    background,
    notices,
  });
  for (const definition of executor.definitions) {
    if (definition.kind === 'actor') policies.set(definition.name, definition);
  }

  const onMessage = (message: NodeMessage): void => {
    switch (message.t) {
      case 'reply':
        calls.answer(message.call, message.reply);
        return;
      case 'state':
        calls.answer(message.call, message.answer);
        return;
      case 'read':
        reads.asked(message);
        return;
      case 'abort':
        dispatcher.abortHere(message.ref, message.reason);
        return;
      case 'claim':
        // A beat tells what its sender says of itself by now: that it drains, for one.
        membership.announce();
        ownership.reconsider();
        return;
      case 'watch':
        publisher.watch(message.from, message.ids);
        return;
      case 'unwatch':
        publisher.unwatch(message.from, message.id);
        return;
      case 'watchRows':
        publisher.watchRows(message.from, message.on);
        return;
      case 'change':
        feed.changed(message.change);
        return;
      case 'rows':
        feed.rowsChanged(message.rows);
        return;
      case 'logs':
        publisher.logged(message.id, message.lines);
    }
  };
  courier.listen({ bell: (shard) => reader.rung(shard), message: onMessage });
  const doorbell = new Doorbell(redis, id);
  const inbox = new Inbox(redis, id);
  const housekeeping = new Duty('housekeeping', housekeepingMs, notices, async () => {
    await keepHouse({ engine, store, retentionMs: options.retentionMs ?? defaults.retentionMs });
  });

  redis.onChange((state, dataMayBeLost) => {
    condition.redisDownSince =
      state === 'up' ? null : (condition.redisDownSince ?? performance.now());
    if (state === 'down') {
      notices.emit('redis.down', {});
      return;
    }
    notices.emit('redis.up', { dataMayBeLost });
    reader.rewind();
    if (dataMayBeLost) {
      janitor.reconsider();
      background.run('tell Redis who owns what', async () => await ownership.reinstall());
    }
  });

  await store.migrate();
  await definitions.register(executor.definitions.filter((one) => one.kind === 'workflow'));
  dispatcher.useExecutor(executor);
  dispatcher.accept(work.accepted);
  doorbell.listen((rung) => {
    for (const member of rung) {
      if (member.startsWith('s')) reader.rung(Number(member.slice(1)));
      else queueWorker.rung(member.slice(1));
    }
  });
  inbox.listen((messages) => {
    for (const message of messages) {
      const parsed: NodeMessage = JSON.parse(message);
      onMessage(parsed);
    }
  });
  await membership.start();
  await ownership.start({ resting: !self.takesShards });
  for (const part of [reader, checkpointer, janitor, logs, publisher, feed, housekeeping]) {
    part.start();
  }
  if (work.accepted) queueWorker.start();
  background.run('warm the object-relational mapper', async () => await store.warm());

  const api = new NodeApi({
    node: id,
    shards,
    store,
    redis,
    definitions,
    calls,
    courier,
    reads,
    membership,
    ownership,
    live: feed,
    condition,
  });
  return {
    id,
    notices,
    condition,
    self,
    redis,
    store,
    background,
    executor,
    definitions,
    membership,
    ownership,
    engine,
    reader,
    checkpointer,
    dispatcher,
    work,
    queueWorker,
    janitor,
    logs,
    publisher,
    feed,
    doorbell,
    inbox,
    housekeeping,
    api,
  };
}

/** What nobody waits for: old journal, old workflows, timers that come near. */
async function keepHouse({
  engine,
  store,
  retentionMs,
}: {
  engine: Engine;
  store: Store;
  retentionMs: number;
}): Promise<void> {
  const owned = [...engine.shards.keys()];
  for (const { id, dueAt } of await store.snapshots.due(
    owned,
    Date.now() + wakeWindowMs,
    100_000,
  )) {
    engine.timers.arm(id, dueAt);
  }
  await store.journal.trim(owned);
  const chunk = 500;
  for (let rounds = 0; rounds < 20; rounds += 1) {
    if ((await store.retention.prune(retentionMs, chunk)) < chunk) return;
  }
}

async function attempt(notices: Notices, duty: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    notices.emit('duty.failed', { duty, error });
  }
}
