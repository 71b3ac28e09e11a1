import { UserActor, WorkflowActor } from '#actors/actor.ts';
import type { Actor } from '#actors/actor.ts';
import { parseActorId, shardOf } from '#actors/ids.ts';
import type { Command, DecisionContext, Effect, Reply } from '#actors/message.ts';
import type { UserActorState } from '#actors/user-actor-state.ts';
import type { UserActorPolicy } from '#actors/user-actor.ts';
import { readWorkflowState } from '#actors/workflow-state.ts';

import type { Background } from '../background.ts';
import type { DefinitionCache } from '../definition-cache.ts';
import { isPassing } from '../mysql/failures.ts';
import type { Journal } from '../mysql/journal.ts';
import type { OwnedActor } from '../mysql/retention.ts';
import type { ActorKey, Snapshot, Snapshots } from '../mysql/snapshots.ts';
import type { Notices } from '../notices.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { Activation } from './activation.ts';
import type { Batch } from './batch.ts';
import { GroupCommit } from './group-commit.ts';
import type { Incoming, Shard } from './shard.ts';
import { Timers } from './timers.ts';

/** A fault of a decision is a bug: after this many of one actor it is set aside, so that it cannot hold up its shard. */
const faultsUntilParked = 3;
const retryLoadMs = 250;

/** Where the effects of committed decisions go, and who wants to know. */
export interface Outlet {
  release(effect: Effect): void;
  /** The messages at these places of a mailbox are applied and durable. */
  applied(shard: Shard, entryIds: readonly string[]): void;
  /** The actors of a batch are in the very state that the batch makes durable; what is to be shown of it is taken now. */
  departing(batch: Batch): void;
  /** A workflow has ended, durably. */
  ended(activation: Activation): void;
  /** The shard has another owner. */
  lost(shard: Shard): void;
}

/**
 * The heart of a node: messages in, decisions, commits, effects out.
 *
 * A message goes to its actor's activation (loaded when it is not in memory), the pure model decides, events join the batch
 * of the shard, the batch is committed, and only then does anything leave.
 */
export class Engine {
  readonly #shardCount: number;
  readonly #snapshots: Snapshots;
  readonly #definitions: DefinitionCache;
  readonly #notices: Notices;
  readonly #background: Background;
  readonly #outlet: Outlet;
  readonly #tracing: Tracing;
  readonly #commits: GroupCommit;
  readonly #shards = new Map<number, Shard>();
  readonly #place: (queue: string) => string;
  readonly #policy: (name: string) => UserActorPolicy;
  readonly timers: Timers;
  #toLoad: { shard: Shard; id: string }[] = [];
  #activated = 0;

  constructor(parts: {
    shardCount: number;
    journal: Journal;
    snapshots: Snapshots;
    definitions: DefinitionCache;
    notices: Notices;
    background: Background;
    outlet: Outlet;
    tracing: Tracing;
    place(queue: string): string;
    policy(name: string): UserActorPolicy;
  }) {
    this.#shardCount = parts.shardCount;
    this.#snapshots = parts.snapshots;
    this.#definitions = parts.definitions;
    this.#notices = parts.notices;
    this.#background = parts.background;
    this.#outlet = parts.outlet;
    this.#tracing = parts.tracing;
    this.#place = (queue) => parts.place(queue);
    this.#policy = (name) => parts.policy(name);
    this.timers = new Timers((id, lateMs) => {
      this.#notices.emit('timer.rang', { lateMs });
      this.#wake(id);
    });
    this.#commits = new GroupCommit(parts.journal, parts.notices, {
      departing: (batch) => this.#outlet.departing(batch),
      landed: (shard, batch, lsn) => this.#landed(shard, batch, lsn),
      fenced: (shard) => this.lose(shard),
    });
  }

  get shards(): ReadonlyMap<number, Shard> {
    return this.#shards;
  }

  /** The shard of an actor, when it is owned here and messages are applied. */
  openShardOf(id: string): Shard | null {
    const shard = this.#shards.get(shardOf(id, this.#shardCount));
    return shard?.mode === 'open' ? shard : null;
  }

  activation(id: string): Activation | null {
    return this.openShardOf(id)?.activations.get(id) ?? null;
  }

  get activationCount(): number {
    let count = 0;
    for (const shard of this.#shards.values()) count += shard.activations.size;
    return count;
  }

  /** How many actors have come into memory since the node began. */
  get activated(): number {
    return this.#activated;
  }

  /** Takes a shard that was claimed and loaded. */
  open(shard: Shard): void {
    this.#shards.set(shard.number, shard);
    shard.mode = 'open';
    this.#activated += shard.activations.size;
    for (const activation of shard.activations.values()) {
      this.timers.arm(activation.id, activation.actor.dueAt());
    }
  }

  /** Stops applying messages and resolves when all that was decided is committed. */
  async close(shard: Shard): Promise<void> {
    shard.mode = 'closing';
    await shard.settled();
  }

  /** Forgets a shard that is let go, or that was fenced: nothing that is not committed leaves any more (S4). */
  lose(shard: Shard): void {
    if (shard.mode === 'gone') return;
    for (const id of shard.activations.keys()) this.timers.disarm(id);
    const fenced = shard.mode !== 'closing';
    shard.drop();
    if (this.#shards.get(shard.number) === shard) this.#shards.delete(shard.number);
    if (fenced) this.#notices.emit('shard.fenced', { shard: shard.number, epoch: shard.epoch });
    this.#outlet.lost(shard);
  }

  /** Applies a command that comes from this process; false when the actor is not owned here. */
  tell(id: string, command: Command, trace?: string): boolean {
    const shard = this.openShardOf(id);
    if (shard === null) return false;
    this.deliver(shard, {
      envelope: { id: '', to: id, command, ...(trace === undefined ? {} : { trace }) },
      entryId: null,
      first: false,
    });
    return true;
  }

  deliver(shard: Shard, incoming: Incoming): void {
    if (shard.mode !== 'open') return;
    const { envelope } = incoming;
    const activation = shard.activations.get(envelope.to);
    if (activation !== undefined && !activation.broken) {
      this.#turn(shard, activation, incoming);
      return;
    }
    if (
      shard.damaged.has(envelope.to) ||
      (activation !== undefined && isParked(shard, activation))
    ) {
      this.#turnAway(shard, incoming);
      return;
    }
    const loading = shard.loading.get(envelope.to);
    if (loading !== undefined) {
      loading.push(incoming);
      return;
    }
    const fresh = activation === undefined ? this.#fresh(shard, incoming) : null;
    if (fresh !== null) {
      this.#turn(shard, fresh, incoming);
      return;
    }
    shard.loading.set(envelope.to, [incoming]);
    if (activation === undefined) this.#load(shard, envelope.to);
  }

  /** A snapshot -> the actor it is of. Null when its definition is unknown, which only a damaged store can cause. */
  async restore(snapshot: Snapshot): Promise<Actor | null> {
    if (snapshot.kind === 'actor') {
      const state: UserActorState = JSON.parse(snapshot.data);
      return new UserActor(snapshot.id, this.#policy(snapshot.name), snapshot.seq, state);
    }
    const plan = await this.#definitions.plan(snapshot.name, snapshot.version);
    if (plan === null) return null;
    return new WorkflowActor(snapshot.id, plan, snapshot.seq, readWorkflowState(snapshot.data));
  }

  /** An actor that does not exist yet, to receive its first message or to replay its first event. */
  async create(id: string, name: string, version: string): Promise<Actor | null> {
    const user = parseActorId(id);
    if (user !== null) return new UserActor(id, this.#policy(user.name));
    const plan = await this.#definitions.plan(name, version);
    return plan === null ? null : new WorkflowActor(id, plan);
  }

  /**
   * Has actors removed from the store that nobody uses: messages to them wait meanwhile, and then find none. One that is in
   * memory is spared: it may just have been opened again.
   */
  async withhold(
    keys: readonly ActorKey[],
    remove: (actors: readonly OwnedActor[]) => Promise<void>,
  ): Promise<void> {
    const held = keys.flatMap(({ shard: number, id }) => {
      const shard = this.#shards.get(number);
      const isFree = shard?.mode === 'open' && !shard.activations.has(id) && !shard.loading.has(id);
      return isFree ? [{ shard, id }] : [];
    });
    for (const { shard, id } of held) shard.loading.set(id, []);
    try {
      await remove(held.map(({ shard, id }) => ({ shard: shard.number, epoch: shard.epoch, id })));
    } finally {
      for (const { shard, id } of held) {
        if (shard.mode !== 'open') continue;
        if (shard.loading.get(id)?.length === 0) shard.loading.delete(id);
        else this.#load(shard, id);
      }
    }
  }

  /** A start under an id that nobody can have used before needs no look into MySQL. */
  #fresh(shard: Shard, { envelope, first }: Incoming): Activation | null {
    const { command } = envelope;
    if (!first || envelope.fresh !== true || command.type !== 'workflow.start') return null;
    const plan = this.#definitions.known(command.name, command.version);
    if (plan === null) return null;
    return this.#activate(shard, new WorkflowActor(envelope.to, plan));
  }

  #activate(shard: Shard, actor: Actor): Activation {
    const activation = new Activation(actor, Date.now());
    shard.activations.set(actor.id, activation);
    this.#activated += 1;
    return activation;
  }

  #turn(shard: Shard, activation: Activation, { envelope, entryId }: Incoming): void {
    const batch = shard.filling();
    if (entryId !== null) batch.acks.push(entryId);
    const now = Date.now();
    const context: DecisionContext = { now, random: Math.random, place: this.#place };
    try {
      const decision = activation.actor.handle(envelope, context);
      batch.add(activation, decision);
      activation.usedAt = now;
      this.timers.arm(activation.id, activation.actor.dueAt());
      const traced = activation.actor.trace !== undefined || envelope.trace !== undefined;
      if (traced && decision.events.length > 0) {
        const span = this.#tracing.turn(activation.actor, envelope, now);
        if (span !== null) batch.afterwards.push(() => span.end());
      }
    } catch (error) {
      this.#faulted(shard, activation, error);
      const span = this.#tracing.turn(activation.actor, envelope, now);
      span?.fail(error);
      span?.end();
      if (envelope.replyTo !== undefined) {
        batch.effects.push({ type: 'reply', to: envelope.replyTo, reply: faulted(envelope.to) });
      }
    }
    this.#commits.wake(shard);
  }

  /** A parked actor decides nothing; its messages are answered and taken out of the mailbox, so that nothing piles up. */
  #turnAway(shard: Shard, { envelope, entryId }: Incoming): void {
    const batch = shard.filling();
    if (entryId !== null) batch.acks.push(entryId);
    if (envelope.replyTo !== undefined) {
      batch.effects.push({ type: 'reply', to: envelope.replyTo, reply: faulted(envelope.to) });
    }
    this.#commits.wake(shard);
  }

  #landed(shard: Shard, batch: Batch, lsn: number): void {
    for (const { activation, first, events } of batch.entries.values()) {
      shard.committed(activation, first, events, lsn);
    }
    if (batch.entries.size > 0) {
      this.#notices.emit('batch.committed', {
        shard: shard.number,
        lsn,
        entries: batch.entries.size,
        changes: batch.entries,
      });
    }
    for (const effect of batch.effects) this.#outlet.release(effect);
    for (const run of batch.afterwards) run();
    for (const { activation } of batch.entries.values()) {
      if (activation.actor.closed && activation.isQuiet) {
        this.timers.disarm(activation.id);
        this.#outlet.ended(activation);
      }
    }
    if (batch.acks.length > 0) this.#outlet.applied(shard, batch.acks);
  }

  #wake(id: string): void {
    this.tell(id, { type: 'wake' });
  }

  #load(shard: Shard, id: string): void {
    this.#toLoad.push({ shard, id });
    if (this.#toLoad.length > 1) return;
    // One query for all that one callback of the event loop asks for.
    queueMicrotask(() => {
      const wanted = this.#toLoad;
      this.#toLoad = [];
      this.#background.run('load actors', async () => await this.#loadAll(wanted));
    });
  }

  async #loadAll(wanted: readonly { shard: Shard; id: string }[]): Promise<void> {
    const left = new Set(wanted);
    try {
      const found = new Map<string, Snapshot>();
      const snapshots = await this.#snapshots.load(
        wanted.map(({ shard, id }) => ({ shard: shard.number, id })),
      );
      for (const snapshot of snapshots) found.set(snapshot.id, snapshot);
      for (const one of wanted) {
        try {
          await this.#receive(one, found.get(one.id));
        } catch (error) {
          if (isPassing(error)) throw error;
          this.#setAside(one, error);
        }
        left.delete(one);
      }
    } catch (error) {
      this.#notices.emit('duty.failed', { duty: 'load actors', error });
      setTimeout(() => {
        for (const { shard, id } of left) if (shard.mode === 'open') this.#load(shard, id);
      }, retryLoadMs);
    }
  }

  /** What cannot be read must not hold up what was to be read with it. */
  #setAside({ shard, id }: { shard: Shard; id: string }, error: unknown): void {
    const waiting = shard.loading.get(id) ?? [];
    shard.loading.delete(id);
    if (shard.mode !== 'open') return;
    shard.setAside(id, Infinity);
    this.#notices.emit('actor.faulted', { id, error, parked: true });
    for (const incoming of waiting) this.deliver(shard, incoming);
  }

  /** The actor that messages have waited for, as it was stored, or new. */
  async #receive(
    { shard, id }: { shard: Shard; id: string },
    snapshot: Snapshot | undefined,
  ): Promise<void> {
    const waiting = shard.loading.get(id) ?? [];
    const actor =
      snapshot === undefined ? await this.#createFor(waiting) : await this.restore(snapshot);
    shard.loading.delete(id);
    if (shard.mode !== 'open') return;
    if (actor === null) {
      this.#refuse(shard, waiting);
      return;
    }
    this.#activate(shard, actor);
    for (const incoming of waiting) this.deliver(shard, incoming);
  }

  async #createFor(waiting: readonly Incoming[]): Promise<Actor | null> {
    for (const { envelope } of waiting) {
      const { command, to } = envelope;
      if (command.type === 'workflow.start') {
        return await this.create(to, command.name, command.version);
      }
      if (command.type === 'actor.message') return await this.create(to, command.name, '');
    }
    return null;
  }

  /** Messages to an actor that does not exist: answered, and taken out of the mailbox. */
  #refuse(shard: Shard, waiting: readonly Incoming[]): void {
    const batch = shard.filling();
    for (const { envelope, entryId } of waiting) {
      if (entryId !== null) batch.acks.push(entryId);
      if (envelope.replyTo === undefined) continue;
      const { command } = envelope;
      const reply: Reply =
        command.type === 'workflow.start'
          ? {
              ok: false,
              code: 'UNKNOWN_DEFINITION',
              message: `workflow definition not found: ${command.name} (version ${command.version})`,
            }
          : {
              ok: false,
              code: 'NOT_FOUND',
              message: `${envelope.to.includes('/') ? 'actor' : 'workflow'} not found: ${envelope.to}`,
            };
      batch.effects.push({ type: 'reply', to: envelope.replyTo, reply });
    }
    this.#commits.wake(shard);
  }

  /** A decision threw: what it left in memory cannot be trusted, so the actor is read again once its shard is quiet. */
  #faulted(shard: Shard, activation: Activation, error: unknown): void {
    const { id } = activation;
    const faults = (shard.faults.get(id) ?? 0) + 1;
    shard.faults.set(id, faults);
    activation.broken = true;
    const parked = isParked(shard, activation);
    this.#notices.emit('actor.faulted', { id, error, parked });
    if (!parked) this.#background.run('reload an actor', async () => await this.#reload(shard, id));
  }

  async #reload(shard: Shard, id: string): Promise<void> {
    if (!(await shard.durable())) return;
    const broken = shard.activations.get(id);
    if (broken === undefined) return;
    const actor = await this.#readAgain(shard, broken);
    if (shard.mode !== 'open' || actor === null) return;
    const waiting = shard.loading.get(id) ?? [];
    // The events since the snapshot are those that this node committed and still keeps for the history.
    const events = broken.tail.slice(Math.max(0, actor.seq + 1 - broken.tailFirst));
    const activation = new Activation(actor, Date.now());
    shard.dirty.delete(broken);
    for (const text of events) shard.replay(activation, JSON.parse(text), shard.lastLsn);
    // Nothing between it and the checkpoint is known to be stored: a round may be writing it just now, and fail.
    if (events.length > 0) activation.firstDirtyLsn = shard.checkpointLsn + 1;
    shard.activations.set(id, activation);
    shard.loading.delete(id);
    for (const incoming of waiting) this.deliver(shard, incoming);
  }

  async #readAgain(shard: Shard, broken: Activation): Promise<Actor | null> {
    const { id } = broken;
    while (shard.mode === 'open') {
      try {
        const [snapshot] = await this.#snapshots.load([{ shard: shard.number, id }]);
        const { name, version } = broken.actor.summary();
        const actor =
          snapshot === undefined
            ? await this.create(id, name, version)
            : await this.restore(snapshot);
        // Unless a checkpoint came between, which has taken from the tail what this snapshot does not have yet.
        if (actor === null || actor.seq + 1 >= broken.tailFirst) return actor;
      } catch (error) {
        this.#notices.emit('duty.failed', { duty: 'reload an actor', error });
        await new Promise((resolve) => setTimeout(resolve, retryLoadMs));
      }
    }
    return null;
  }
}

function isParked(shard: Shard, activation: Activation): boolean {
  return activation.broken && (shard.faults.get(activation.id) ?? 0) >= faultsUntilParked;
}

function faulted(id: string): Reply {
  return {
    ok: false,
    code: 'INTERNAL',
    message: `the decision about a message to ${id} failed; see the log of its node`,
  };
}
