import type { Definition } from '#actors/definition.ts';
import type { ClusterApi } from '#cluster/api.ts';
import { Node, type NodeOptions } from '#cluster/node.ts';

import { freshDatabase, freshPrefix, sharedServers } from './servers.ts';

export interface TestCluster extends AsyncDisposable {
  readonly nodes: readonly Node[];
  readonly apis: readonly ClusterApi[];
  /** The API of the first node. */
  readonly api: ClusterApi;
  readonly options: Pick<NodeOptions, 'redis' | 'redisPrefix' | 'mysql' | 'shards'>;
  /** Starts one more node on the same servers. */
  join(options?: Partial<NodeOptions>): Promise<Node>;
}

export interface TestClusterOptions extends Partial<NodeOptions> {
  readonly nodes?: number;
  readonly definitions?: readonly Definition[];
  readonly modules?: readonly string[];
}

/**
 * A cluster of nodes in this process, on real servers, with a database and a prefix of its own. Fewer shards than in production
 * so that starting takes less time.
 */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { nodes: count = 1, ...own } = options;
  const servers = await sharedServers();
  const shared = {
    redis: servers.redis,
    mysql: await freshDatabase(servers),
    redisPrefix: freshPrefix(),
    shards: 16,
  };
  const nodes: Node[] = [];
  const join = async (more: Partial<NodeOptions> = {}): Promise<Node> => {
    const name = String.fromCodePoint('a'.codePointAt(0)! + nodes.length);
    const node = await Node.start({ name, threads: 1, ...shared, ...own, ...more });
    nodes.push(node);
    return node;
  };
  try {
    for (let started = 0; started < count; started += 1) await join();
    await settle(nodes);
  } catch (error) {
    await Promise.all(nodes.map(async (node) => await node.stop({ graceMs: 0 })));
    throw error;
  }
  return {
    nodes,
    get apis() {
      return nodes.map(({ api }) => api);
    },
    get api() {
      const [first] = nodes;
      if (first === undefined) throw new Error('the cluster has no node');
      return first.api;
    },
    options: shared,
    join,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map(async (node) => await node.stop({ graceMs: 0 })));
    },
  };
}

/** Resolves when every node has its share of the shards. */
async function settle(nodes: readonly Node[]): Promise<void> {
  const shared = (): boolean => nodes.every((node) => node.load().shards > 0);
  while (nodes.length > 1 && !shared()) {
    await Promise.race(nodes.map(async (node) => await node.notices.next('shards.claimed')));
  }
}
