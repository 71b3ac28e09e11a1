import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Batch } from '#cluster/mysql/journal.ts';
import { Store } from '#cluster/mysql/store.ts';
import { startPrivateServers } from '#dev/private-servers.ts';

import { batch } from './store.ts';

describe('a MySQL server that is killed in the middle of commits', () => {
  it('loses nothing that was acknowledged, and doubles nothing', async function () {
    this.timeout(60_000);
    const dataDir = await mkdtemp(join(tmpdir(), 'temjob-kill-'));
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => await rm(dataDir, { recursive: true, force: true }));
    const servers = undo.use(await startPrivateServers({ dataDir, given: { redis: 'none' } }));
    const changes: string[] = [];
    const up = Promise.withResolvers<void>();
    const down = Promise.withResolvers<void>();
    const store = await Store.open(servers.urls.mysql, {
      shards: 8,
      onDown: () => {
        changes.push('down');
        down.resolve();
      },
      onUp: () => {
        changes.push('up');
        up.resolve();
      },
    });
    undo.defer(async () => await store.close());
    await store.migrate();
    const shards = [0, 1, 2, 3, 4, 5, 6, 7];
    await store.claims.claim(
      shards.map((shard) => ({ shard, epoch: 0 })),
      'a',
      'a1',
    );

    // Two lanes that commit without a pause, each with half of the shards.
    const acknowledged: Batch[] = [];
    const enough = Promise.withResolvers<void>();
    const over = new AbortController();
    const lane = async (of: readonly number[]): Promise<void> => {
      for (let lsn = 1; !over.signal.aborted; lsn += 1) {
        const batches = of.map((shard) => batch({ shard, lsn }));
        const { committed } = await store.journal.commit(batches);
        expect(committed.size).to.equal(of.length);
        acknowledged.push(...batches);
        if (lsn === 50) enough.resolve();
      }
    };
    const lanes = Promise.all([lane(shards.slice(0, 4)), lane(shards.slice(4))]);
    await enough.promise;
    await servers.kill('mysql');
    await down.promise;
    await servers.restart('mysql');
    await up.promise;
    over.abort();
    await lanes;

    const rows = await store.journal.tail(shards.map((shard) => ({ shard, lsn: 0 })));
    const stored = rows.map(({ shard, lsn, batchId }) => `${shard}/${lsn}/${batchId}`);
    const sent = acknowledged.map(({ shard, lsn, batchId }) => `${shard}/${lsn}/${batchId}`);
    expect(stored.toSorted()).to.deep.equal(sent.toSorted());
    expect(changes).to.deep.equal(['down', 'up']);
  });
});
