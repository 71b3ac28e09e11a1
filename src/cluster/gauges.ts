import type { Parts } from './assembly.ts';
import type { PoolLoad } from './mysql/pool.ts';
import type { PoolName } from './mysql/store.ts';

/** What a node can count at any moment without asking anybody. */
export interface Gauges {
  /** Actors in memory. */
  readonly actors: { readonly workflow: number; readonly actor: number };
  /** How many have come into memory since the node began. */
  readonly activated: number;
  readonly shards: number;
  /** Attempts and turns in this node's hands. */
  readonly work: { readonly running: number; readonly waiting: number };
  /** Actors that want to be woken. */
  readonly timers: number;
  /** As this node sees the cluster. */
  readonly members: Readonly<Record<'up' | 'draining' | 'suspect' | 'down', number>>;
  readonly draining: boolean;
  readonly servers: { readonly mysql: boolean; readonly redis: boolean };
  readonly connections: Readonly<Record<PoolName, PoolLoad>>;
  readonly threads: Readonly<Record<'shared' | 'isolated' | 'inline', ThreadsGauge>>;
}

interface ThreadsGauge {
  readonly threads: number;
  readonly busy: number;
  readonly waiting: number;
  readonly capacity: number;
}

export interface QueueGauge {
  readonly queue: string;
  /** Nobody has taken it yet. */
  readonly ready: number;
  /** Some node has it. */
  readonly leased: number;
  /** How long the one that waits longest has waited. */
  readonly oldestMs: number;
}

export function gaugesOf(parts: Parts): Gauges {
  const { engine, executor, dispatcher, membership, presence, health, store } = parts;
  const actors = { workflow: 0, actor: 0 };
  for (const { activations } of engine.shards.values()) {
    for (const { actor } of activations.values()) actors[actor.kind] += 1;
  }
  const members = { up: 0, draining: 0, suspect: 0, down: 0 };
  for (const { state, info } of membership.members.values()) {
    members[state === 'up' && info.draining ? 'draining' : state] += 1;
  }
  const waiting = executor.queued;
  const { isolated, inline, ...shared } = executor.stats();
  return {
    actors,
    activated: engine.activated,
    shards: engine.shards.size,
    work: { running: Math.max(0, dispatcher.runningCount - waiting), waiting },
    timers: engine.timers.size,
    members,
    draining: presence.isDraining,
    servers: health.reachable,
    connections: store.load(),
    threads: {
      shared: { ...shared, waiting: shared.queued },
      isolated: { ...isolated, waiting: isolated.queued },
      // Its thread is the one that decides and serves, too.
      inline: { ...inline, threads: 1, waiting: inline.queued },
    },
  };
}

export async function queueGauges(parts: Parts): Promise<readonly QueueGauge[]> {
  const { membership, janitor, queues } = parts;
  const names = new Set(membership.live().flatMap(({ info }) => info.offers));
  for (const queue of janitor.queues) names.add(queue);
  const depths = await queues.depth([...names]);
  return [...depths].map(([queue, depth]) => ({ queue, ...depth }));
}
