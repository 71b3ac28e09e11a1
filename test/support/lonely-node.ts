import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Node, type NodeOptions } from '#cluster/node.ts';
import { type PrivateServers, startPrivateServers } from '#dev/private-servers.ts';

export interface LonelyNode extends AsyncDisposable {
  readonly node: Node;
  readonly servers: PrivateServers;
}

/** A node with a Redis and a MySQL that it has alone, so that a test may kill them. */
export async function startLonelyNode(options: Partial<NodeOptions>): Promise<LonelyNode> {
  const dataDir = await mkdtemp(join(tmpdir(), 'temjob-lonely-'));
  const servers = await startPrivateServers({ dataDir, given: {} });
  const node = await Node.start({
    name: 'a',
    threads: 1,
    shards: 4,
    redis: servers.urls.redis,
    mysql: servers.urls.mysql,
    ...options,
  });
  return {
    node,
    servers,
    [Symbol.asyncDispose]: async () => {
      await node.stop({ graceMs: 0 });
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
