import { availableParallelism } from 'node:os';

import { shardOf } from '#actors/ids.ts';
import type { Effect, Reply } from '#actors/message.ts';
import { defaultActorPolicy, type UserActorPolicy } from '#actors/user-actor.ts';
import type { Surroundings } from '#actors/why.ts';

import type { ClusterApi } from './api.ts';
import { Background } from './background.ts';
import { Executor } from './compute/executor.ts';
import { DefinitionCache } from './definition-cache.ts';
import type { Duty } from './duty.ts';
import { EventReads } from './event-reads.ts';
import type { NodeHealth } from './health.ts';
import { housekeeping } from './housekeeping.ts';
import { NodeLiveFeed } from './live/feed.ts';
import { LivePublisher } from './live/publisher.ts';
import { Draining } from './members/draining.ts';
import { LoadMeter } from './members/load-meter.ts';
import { Membership } from './members/membership.ts';
import { Ownership } from './members/ownership.ts';
import { Presence } from './members/presence.ts';
import { surroundingsOf } from './members/surroundings.ts';
import { Caller } from './messages/caller.ts';
import { Calls } from './messages/calls.ts';
import { Courier } from './messages/courier.ts';
import { MailboxReader } from './messages/mailbox-reader.ts';
import { routeNodeMessages } from './messages/node-messages.ts';
import type { EventsAnswer, NodeMessage, Obedience, ReadAnswer } from './messages/wire.ts';
import type { Store } from './mysql/store.ts';
import { NodeApi } from './node-api.ts';
import type { NodeOptions } from './node-options.ts';
import { defaults } from './node-options.ts';
import type { Notices } from './notices.ts';
import { Orders } from './orders.ts';
import { Queries } from './queries.ts';
import { Readiness } from './readiness.ts';
import { Reads } from './reads.ts';
import { Beats } from './redis/beats.ts';
import type { RedisLink } from './redis/connection.ts';
import { Doorbell, Doorbells } from './redis/doorbells.ts';
import { Inbox, Inboxes } from './redis/inbox.ts';
import { Mailboxes } from './redis/mailboxes.ts';
import { TaskQueues } from './redis/task-queues.ts';
import { Checkpointer } from './shards/checkpointer.ts';
import { Engine } from './shards/engine.ts';
import { Dispatcher } from './tasks/dispatcher.ts';
import { Janitor } from './tasks/janitor.ts';
import { LogWriter } from './tasks/log-writer.ts';
import { QueueWorker } from './tasks/queue-worker.ts';
import { ThroughputCounter } from './throughput-counter.ts';
import { Tracing } from './tracing/tracing.ts';

/** The parts of a node, made and connected, and not started. */
export interface Parts {
  readonly presence: Presence;
  readonly health: NodeHealth;
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
  readonly queues: TaskQueues;
  readonly queueWorker: QueueWorker;
  readonly janitor: Janitor;
  readonly logs: LogWriter;
  readonly publisher: LivePublisher;
  readonly throughput: ThroughputCounter;
  readonly feed: NodeLiveFeed;
  readonly doorbell: Doorbell;
  readonly inbox: Inbox;
  readonly housekeeping: Duty;
  readonly api: ClusterApi;
  /** A message from another node. */
  readonly hear: (message: NodeMessage) => void;
}

/**
 * Makes the parts of a node and lets them know each other. They form circles (the engine's effects become the engine's
 * messages), so some are reached through functions that are called only once all is there.
 */
export async function assemble(ground: {
  readonly options: NodeOptions;
  readonly notices: Notices;
  readonly health: NodeHealth;
  readonly redis: RedisLink;
  readonly store: Store;
}): Promise<Parts> {
  const { options, notices, health, redis, store } = ground;
  const shards = options.shards ?? defaults.shards;
  const presence = new Presence(options.name, {
    shards: options.engine ?? true,
    work: options.worker ?? true,
  });
  const { id } = presence;
  const background = new Background(notices);
  const tracing = new Tracing(options.name);
  const mailboxes = new Mailboxes(redis);
  const doorbells = new Doorbells(redis);
  const queues = new TaskQueues(redis);
  const replies = new Calls<Reply>();
  const answers = new Calls<ReadAnswer>();
  const happened = new Calls<EventsAnswer>();
  const definitions = new DefinitionCache(store.definitions);
  const courier = new Courier(
    id,
    shards,
    { mailboxes, doorbells, inboxes: new Inboxes(redis) },
    replies,
    background,
  );

  const engine: Engine = new Engine({
    shardCount: shards,
    journal: store.journal,
    snapshots: store.snapshots,
    definitions,
    notices,
    background,
    tracing,
    place: (queue) => dispatcher.place(queue),
    policy: (name) => policyOf(executor, name),
    outlet: {
      release: (effect) => release(effect),
      applied: (shard, entryIds) => reader.applied(shard, entryIds),
      departing: (batch) => {
        publisher.departing(batch);
        throughput.departing(batch);
      },
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

  const around = (): Surroundings => surroundingsOf(membership);
  const reader = new MailboxReader(mailboxes, engine, notices);
  const publisher = new LivePublisher({ node: id, courier, engine, notices, around });
  const throughput = new ThroughputCounter(id, store.throughput, notices);
  const checkpointer = new Checkpointer(engine, store.checkpoints, notices, {
    idleMs: options.idleMs ?? defaults.idleMs,
    isWatched: (one) => publisher.isWatched(one),
  });
  const membership: Membership = new Membership({
    beats: new Beats(redis),
    nodes: store.nodes,
    notices,
    self: () => {
      const { offers } = executor;
      return presence.info({ offers, shards: engine.shards.size, load: meter.load });
    },
    onChange: () => {
      ownership.reconsider();
      janitor.reconsider();
    },
  });
  const executor = await startExecutor(options, notices, {
    started: (work, at) => dispatcher.started(work, at),
    progressed: (work, progress) => dispatcher.progressed(work, progress),
    logged: (ref, line) => {
      const work = dispatcher.work(ref);
      if (work !== null) logs.add(work, line);
    },
    finished: (ref, outcome, startedAt) => {
      const work = dispatcher.finished(ref, outcome, startedAt);
      if (work !== null) logs.ended(work);
    },
  });
  const dispatcher = new Dispatcher({
    node: id,
    presence,
    engine,
    executor,
    courier,
    queues,
    doorbells,
    membership,
    notices,
    background,
    tracing,
    onQueuedDone: async (work) => await queueWorker.done(work),
  });
  const meter = new LoadMeter(() => {
    const { threads, isolated } = executor.stats();
    return {
      running: dispatcher.runningCount,
      actors: engine.activationCount,
      threads: threads + isolated.threads,
    };
  });
  const queueWorker = new QueueWorker({
    node: id,
    queues,
    executor,
    dispatcher,
    background,
    notices,
  });
  const janitor = new Janitor({ node: id, engine, membership, dispatcher, courier, notices });
  const ownership: Ownership = new Ownership({
    presence,
    claims: store.claims,
    journal: store.journal,
    snapshots: store.snapshots,
    mailboxes,
    engine,
    checkpointer,
    courier,
    membership,
    notices,
    onOwned: (owned, from) => {
      janitor.adopt(owned, from);
      for (const { number } of owned) reader.rung(number);
    },
  });
  const reads = new Reads({
    around,
    node: id,
    shards,
    engine,
    snapshots: store.snapshots,
    ownership,
    courier,
    answers,
    background,
  });
  const eventReads = new EventReads({
    node: id,
    shards,
    engine,
    histories: store.histories,
    snapshots: store.snapshots,
    ownership,
    courier,
    answers: happened,
  });
  const feed = new NodeLiveFeed({ node: id, shards, courier, ownership, membership, notices });
  const logs = new LogWriter(shards, store.logs, notices, (workflow, lines) => {
    const owner = ownership.ownerOf(shardOf(workflow, shards));
    if (owner !== null) courier.post(owner, { t: 'logs', id: workflow, lines });
  });
  const obediences = new Calls<Obedience>();
  const orders = new Orders({
    node: id,
    isDev: options.dev ?? false,
    membership,
    courier,
    answers: obediences,
    draining: new Draining({ presence, membership, ownership, queueWorker, background }),
  });
  const hear = routeNodeMessages({
    orders,
    obediences,
    background,
    replies,
    answers,
    happened,
    reads,
    eventReads,
    dispatcher,
    janitor,
    courier,
    membership,
    ownership,
    publisher,
    feed,
  });
  courier.listen({ bell: (shard) => reader.rung(shard), message: hear });

  return {
    presence,
    health,
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
    queues,
    queueWorker,
    janitor,
    logs,
    publisher,
    throughput,
    feed,
    doorbell: new Doorbell(redis, id),
    inbox: new Inbox(redis, id),
    housekeeping: housekeeping(engine, store, options.retentionMs ?? defaults.retentionMs, notices),
    api: new NodeApi({
      limits: options,
      presence,
      orders,
      shards,
      store,
      definitions,
      caller: new Caller(id, courier, replies, health),
      reads,
      eventReads,
      queries: new Queries(store, definitions),
      membership,
      ownership,
      live: feed,
      health,
      readiness: new Readiness({ presence, health, membership, store, redis }),
      tracing,
    }),
    hear,
  };
}

async function startExecutor(
  options: NodeOptions,
  notices: Notices,
  events: Parameters<typeof Executor.start>[0]['events'],
): Promise<Executor> {
  return await Executor.start({
    modules: options.modules ?? [],
    inline: options.definitions ?? [],
    node: options.name,
    threads: options.threads ?? Math.max(1, availableParallelism() - 1),
    concurrency: options.concurrency ?? defaults.concurrency,
    isolatedThreads: options.isolatedThreads ?? defaults.isolatedThreads,
    graceMs: options.cancelGraceMs ?? defaults.cancelGraceMs,
    ...(options.threadMemoryMb === undefined ? {} : { maxOldGenerationMb: options.threadMemoryMb }),
    warn: (message) => notices.emit('code.warning', { message }),
    events,
  });
}

/** By what its definition says, when this node has it: an owner without the code decides by the defaults. */
function policyOf(executor: Executor, name: string): UserActorPolicy {
  for (const definition of executor.definitions) {
    if (definition.kind === 'actor' && definition.name === name) return definition;
  }
  return defaultActorPolicy;
}
