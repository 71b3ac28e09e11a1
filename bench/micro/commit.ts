import { randomBytes } from 'node:crypto';

import { Store } from '#cluster/mysql/store.ts';

/*
 * How fast the journal commits: `node bench/micro/commit.ts mysql://…/an_empty_database`.
 * "16x8" is 16 shards in a call, batches of 8 entries of 400 bytes; "lanes" are calls under way at once.
 */
const [url] = process.argv.slice(2);
if (url === undefined)
  throw new Error('usage: node bench/micro/commit.ts mysql://user@host/database');

const shards = 256;
const seconds = 1.5;
const store = await Store.open(url, { shards });
await store.migrate();
const node = `bench-${process.pid}`;
const epochs = new Map<number, { epoch: number; lsn: number }>();
for (const won of await store.claims.claim(await store.claims.read(), node, node)) {
  epochs.set(won.shard, { epoch: won.epoch, lsn: won.lsn });
}

const entry = { actor: 'order-0000000000', seq: 1, data: 'x'.repeat(340) };
console.log('shape      lanes  commits/s  batches/s  entries/s  p50 ms  p99 ms  our CPU us/entry');
for (const [width, entries] of [
  [1, 1],
  [1, 32],
  [1, 128],
  [4, 8],
  [16, 8],
  [64, 8],
  [16, 32],
] as const) {
  for (const lanes of [1, 2]) await measure(width, entries, lanes);
}
await store.close();

async function measure(width: number, entries: number, lanes: number): Promise<void> {
  const records = JSON.stringify(Array.from({ length: entries }, () => entry));
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      while (performance.now() - start < seconds * 1_000) {
        const before = performance.now();
        const batches = Array.from({ length: width }, (__, index) =>
          next(lane * width + index, entries, records),
        );
        const { fenced } = await store.journal.commit(batches);
        if (fenced.size > 0) throw new Error('somebody else uses this database');
        times.push(performance.now() - before);
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const commits = times.length / elapsed;
  console.log(
    [
      `${width}x${entries}`.padEnd(10),
      String(lanes).padStart(5),
      commits.toFixed(0).padStart(10),
      (commits * width).toFixed(0).padStart(10),
      (commits * width * entries).toFixed(0).padStart(10),
      (times[Math.floor(times.length / 2)] ?? 0).toFixed(2).padStart(7),
      (times[Math.floor(times.length * 0.99)] ?? 0).toFixed(2).padStart(7),
      ((user + system) / (times.length * width * entries)).toFixed(1).padStart(8),
    ].join(' '),
  );
}

function next(shard: number, entries: number, records: string) {
  const held = epochs.get(shard);
  if (held === undefined) throw new Error(`shard ${shard} was not won`);
  held.lsn += 1;
  const batchId = randomBytes(8).toString('hex');
  return { shard, lsn: held.lsn, epoch: held.epoch, batchId, entries, records };
}
