import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { nodeCards } from './cards.ts';
import type { ClusterData, Operation, Owners } from './live-protocol.ts';
import type { Source, Watch } from './live-sources.ts';
import { TopicState } from './live-topic.ts';

const lookEveryMs = 1_000;

/**
 * `cluster`: the nodes, and which of them has which shard. All of it is in the memory of the node that is asked, so it is looked
 * at every second while somebody watches, and what is other than before is told. Versions are this node's own.
 */
export class ClusterSource implements Source {
  readonly opened: Promise<TopicState>;
  readonly #watch: Watch;
  readonly #stop = new AbortController();

  constructor(watch: Watch) {
    this.#watch = watch;
    this.opened = this.#open();
  }

  close(): void {
    this.#stop.abort();
  }

  async #open(): Promise<TopicState> {
    const state = new TopicState(randomUUID(), 0, await this.#look());
    this.#follow(state).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#watch.failed(error);
    });
    return state;
  }

  async #follow(state: TopicState): Promise<void> {
    for (;;) {
      await sleep(lookEveryMs, undefined, { signal: this.#stop.signal, ref: false });
      const { data } = state;
      if (data.kind !== 'cluster') return;
      const ops = changes(data, await this.#look());
      if (ops.length === 0) continue;
      state.advance(state.ver + 1, ops);
      this.#watch.changed();
    }
  }

  async #look(): Promise<ClusterData> {
    const { cluster } = this.#watch;
    const [view, owners] = await Promise.all([cluster.cluster(), cluster.shardOwners()]);
    return {
      kind: 'cluster',
      node: view.node,
      shards: view.shards,
      nodes: nodeCards(view.nodes),
      owners: ownersOf(owners),
    };
  }
}

function changes(before: ClusterData, now: ClusterData): readonly Operation[] {
  const known = new Map(before.nodes.map((node) => [node.name, node]));
  const names = new Set(now.nodes.map(({ name }) => name));
  return [
    ...now.nodes
      .filter((node) => !same(node, known.get(node.name)))
      .map((node): Operation => ({ op: 'node', node })),
    ...before.nodes
      .filter(({ name }) => !names.has(name))
      .map(({ name }): Operation => ({ op: 'gone', name })),
    ...(same(now.owners, before.owners) ? [] : [{ op: 'owners' as const, owners: now.owners }]),
  ];
}

/** Names are said once: there are many shards, and few nodes. */
function ownersOf(owners: readonly (string | null)[]): Owners {
  const names = [...new Set(owners.filter((name) => name !== null))].toSorted();
  const numbers = new Map(names.map((name, number) => [name, number]));
  return { names, of: owners.map((name) => (name === null ? -1 : (numbers.get(name) ?? -1))) };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
