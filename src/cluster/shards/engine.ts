import type { Actor } from '#actors/actor.ts';
import { shardOf } from '#actors/ids.ts';
import type { Command, DecisionContext, Effect, Reply } from '#actors/message.ts';
import type { UserActorPolicy } from '#actors/user-actor.ts';

import type { Background } from '../background.ts';
import type { DefinitionCache } from '../definition-cache.ts';
import type { Journal } from '../mysql/journal.ts';
import type { OwnedActor } from '../mysql/retention.ts';
import type { ActorKey, Snapshots } from '../mysql/snapshots.ts';
import type { Notices } from '../notices.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { Activation } from './activation.ts';
import type { Batch } from './batch.ts';
import { GroupCommit } from './group-commit.ts';
import { Loader } from './loader.ts';
import type { Incoming, Shard } from './shard.ts';
import { Timers } from './timers.ts';

/** A fault of a decision is a bug: after this many of one actor it is set aside, so that it cannot hold up its shard. */
const faultsUntilParked = 3;

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
  readonly #notices: Notices;
  readonly #outlet: Outlet;
  readonly #tracing: Tracing;
  readonly #commits: GroupCommit;
  readonly #shards = new Map<number, Shard>();
  readonly #place: (queue: string) => string;
  readonly loader: Loader;
  readonly timers: Timers;
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
    this.#notices = parts.notices;
    this.#outlet = parts.outlet;
    this.#tracing = parts.tracing;
    this.#place = (queue) => parts.place(queue);
    this.loader = new Loader(parts, {
      arrived: (shard, actor) => this.#activate(shard, actor),
      missing: (shard, waiting) => this.#refuse(shard, waiting),
      deliver: (shard, incoming) => this.deliver(shard, incoming),
    });
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
    const fresh = activation === undefined ? this.loader.fresh(incoming) : null;
    if (fresh !== null) {
      this.#turn(shard, this.#activate(shard, fresh), incoming);
      return;
    }
    shard.loading.set(envelope.to, [incoming]);
    if (activation === undefined) this.loader.load(shard, envelope.to);
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
        else this.loader.load(shard, id);
      }
    }
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
    if (!parked) this.loader.reload(shard, id);
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
