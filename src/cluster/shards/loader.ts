import { UserActor, WorkflowActor } from '#actors/actor.ts';
import type { Actor } from '#actors/actor.ts';
import { parseActorId } from '#actors/ids.ts';
import type { UserActorState } from '#actors/user-actor-state.ts';
import type { UserActorPolicy } from '#actors/user-actor.ts';
import { readWorkflowState } from '#actors/workflow-state.ts';

import type { Background } from '../background.ts';
import type { DefinitionCache } from '../definition-cache.ts';
import { isPassing } from '../mysql/failures.ts';
import type { Snapshot, Snapshots } from '../mysql/snapshots.ts';
import type { Notices } from '../notices.ts';
import { Activation } from './activation.ts';
import type { Incoming, Shard } from './shard.ts';

const retryLoadMs = 250;

/** Who gets the actors that were read, and the messages that have waited for them. */
export interface Arrivals {
  arrived(shard: Shard, actor: Actor): void;
  /** Nobody has ever made the actor that these messages are for. */
  missing(shard: Shard, waiting: readonly Incoming[]): void;
  deliver(shard: Shard, incoming: Incoming): void;
}

/**
 * How actors come into memory: new with their first message, from their snapshot when a message comes to one that rests, and
 * once more when a fault has broken one. Meanwhile their messages wait in `shard.loading`.
 */
export class Loader {
  readonly #snapshots: Snapshots;
  readonly #definitions: DefinitionCache;
  readonly #notices: Notices;
  readonly #background: Background;
  readonly #policy: (name: string) => UserActorPolicy;
  readonly #to: Arrivals;
  #toLoad: { shard: Shard; id: string }[] = [];

  constructor(
    parts: {
      snapshots: Snapshots;
      definitions: DefinitionCache;
      notices: Notices;
      background: Background;
      policy(name: string): UserActorPolicy;
    },
    to: Arrivals,
  ) {
    this.#snapshots = parts.snapshots;
    this.#definitions = parts.definitions;
    this.#notices = parts.notices;
    this.#background = parts.background;
    this.#policy = (name) => parts.policy(name);
    this.#to = to;
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

  /** A start under an id that nobody can have used before needs no look into MySQL. */
  fresh({ envelope, first }: Incoming): Actor | null {
    const { command } = envelope;
    if (!first || envelope.fresh !== true || command.type !== 'workflow.start') return null;
    const plan = this.#definitions.known(command.name, command.version);
    return plan === null ? null : new WorkflowActor(envelope.to, plan);
  }

  /** Reads an actor that messages wait for. */
  load(shard: Shard, id: string): void {
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
        for (const { shard, id } of left) if (shard.mode === 'open') this.load(shard, id);
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
    for (const incoming of waiting) this.#to.deliver(shard, incoming);
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
      this.#to.missing(shard, waiting);
      return;
    }
    this.#to.arrived(shard, actor);
    for (const incoming of waiting) this.#to.deliver(shard, incoming);
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

  /** Reads an actor again that a fault has broken in memory, once its shard is quiet. */
  reload(shard: Shard, id: string): void {
    this.#background.run('reload an actor', async () => await this.#reload(shard, id));
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
    for (const incoming of waiting) this.#to.deliver(shard, incoming);
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
