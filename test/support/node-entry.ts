import { Node } from '#cluster/node.ts';
import type { NodeOptions } from '#cluster/node.ts';

import type { ToParent } from './node-process.ts';

/* A node in a process of its own: options in the first argument, notices to the parent, SIGTERM drains. */

// Written by node-process.ts from NodeOptions.
const options: NodeOptions = JSON.parse(process.argv[2] ?? '{}');
const tell = (message: ToParent): void => void process.send?.(message);

const node = await Node.start(options);
node.notices.on('shards.claimed', ({ shards, from }) => {
  tell({ type: 'claimed', shards: shards.length, from });
});
node.notices.on('shard.fenced', ({ shard }) => tell({ type: 'fenced', shard }));
node.notices.on('task.started', ({ key }) => tell({ type: 'started', key }));
node.notices.on('mysql.up', () => tell({ type: 'mysql-up' }));
process.once('SIGTERM', () => {
  void node.stop().then(() => process.exit(0));
});
// The parent is the only one who could end it.
process.once('disconnect', () => process.exit(1));
tell({ type: 'ready', id: node.id, shards: node.load().shards });
