import { Store } from '#cluster/mysql/store.ts';

/** A node that claims shards 1 and 5. */
const store = await Store.open(process.argv[2] ?? '', { shards: 8 });
await store.claims.claim(
  [1, 5].map((shard) => ({ shard, epoch: 0 })),
  'stopped',
  's1',
);
