import { expect } from 'chai';

import type { Store } from '#cluster/mysql/store.ts';

import { CutProxy } from './cut-proxy.ts';
import { batch, connect, freshStore, lockWaits, openStore, until } from './store.ts';

describe('the journal', () => {
  it('commits the batches of many shards and gives them back in order', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0, 1, 2]);
    const batches = [2, 0, 1].map((shard) => batch({ shard }));
    const later = batch({ shard: 1, lsn: 2 });

    const first = await store.journal.commit(batches);
    const second = await store.journal.commit([later]);

    expect(first).to.deep.equal({ committed: new Set([0, 1, 2]), fenced: new Set() });
    expect(second.committed).to.deep.equal(new Set([1]));
    const rows = await store.journal.tail([0, 1, 2].map((shard) => ({ shard, lsn: 0 })));
    expect(rows.map(({ shard, lsn }) => [shard, lsn])).to.deep.equal([
      [0, 1],
      [1, 1],
      [1, 2],
      [2, 1],
    ]);
    expect(rows[3]).to.include(batches[0]);
  });

  it('commits nothing of a stale epoch', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0]);
    await store.claims.claim([{ shard: 0, epoch: 1 }], 'b', 'b1');

    const result = await store.journal.commit([batch({ shard: 0, epoch: 1 })]);

    expect(result).to.deep.equal({ committed: new Set(), fenced: new Set([0]) });
    expect(await store.journal.tail([{ shard: 0, lsn: 0 }])).to.be.empty;
  });

  for (const others of [0, 2]) {
    it(`makes a stale commit (with ${others} other shards) wait for the new epoch, and then stores none of it`, async () => {
      await using world = await freshStore();
      const { store, url } = world;
      await own(store, [0, 1, 2]);
      await using rival = await connect(url);
      await using watcher = await connect(url);
      await rival.query('START TRANSACTION');
      await rival.query('UPDATE shard SET epoch = 2 WHERE shard_id = 0');

      const commit = store.journal.commit(
        [0, 1, 2].slice(0, others + 1).map((shard) => batch({ shard })),
      );
      await lockWaits(watcher, 1);
      await rival.query('COMMIT');

      expect((await commit).fenced).to.deep.equal(new Set([0]));
      expect((await commit).committed.size).to.equal(others);
      expect(await store.journal.tail([{ shard: 0, lsn: 0 }])).to.be.empty;
    });
  }

  it('makes a claim wait for a commit that is under way, and tells the claimer of it', async () => {
    await using world = await freshStore();
    const { store, url } = world;
    await own(store, [0]);
    await using blocker = await connect(url);
    await using watcher = await connect(url);
    // The commit has the lock of the shard's row and waits for this row, which will never be.
    await blocker.query('START TRANSACTION');
    await blocker.query("INSERT INTO journal VALUES (0, 1, 1, 'blocker.', 1, '[]', 0)");
    const commit = store.journal.commit([batch({ shard: 0 })]);
    await lockWaits(watcher, 1);

    const claim = store.claims.claim([{ shard: 0, epoch: 1 }], 'b', 'b1');
    await lockWaits(watcher, 2);
    await blocker.query('ROLLBACK');

    expect((await commit).committed).to.deep.equal(new Set([0]));
    expect(await claim).to.deep.equal([{ shard: 0, epoch: 2, lsn: 1, checkpointLsn: 0 }]);
  });

  it('does not wait for the lock of a shard that is not in the statement', async () => {
    await using world = await freshStore();
    const { store, url } = world;
    await own(store, [0, 1, 2, 3]);
    await using rival = await connect(url);
    await rival.query('START TRANSACTION');
    await rival.query('UPDATE shard SET epoch = 2 WHERE shard_id = 1');

    const result = await store.journal.commit([0, 2, 3].map((shard) => batch({ shard })));

    expect(result.committed).to.deep.equal(new Set([0, 2, 3]));
  });

  it('stores a batch once that is sent twice', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0]);
    const sent = batch({ shard: 0 });

    await store.journal.commit([sent]);
    const again = await store.journal.commit([sent]);

    expect(again).to.deep.equal({ committed: new Set([0]), fenced: new Set() });
    expect(await store.journal.tail([{ shard: 0, lsn: 0 }])).to.have.length(1);
  });

  it('fences another batch at an lsn that is taken', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0]);
    const first = batch({ shard: 0 });
    await store.journal.commit([first]);

    const result = await store.journal.commit([batch({ shard: 0 })]);

    expect(result).to.deep.equal({ committed: new Set(), fenced: new Set([0]) });
    const [row] = await store.journal.tail([{ shard: 0, lsn: 0 }]);
    expect(row?.batchId).to.equal(first.batchId);
  });

  it('decides each shard by itself when one is fenced, one was stored before and one is new', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0, 1, 2]);
    const repeated = batch({ shard: 1 });
    await store.journal.commit([repeated]);

    const result = await store.journal.commit([
      batch({ shard: 0, epoch: 0 }),
      repeated,
      batch({ shard: 2 }),
    ]);

    expect(result).to.deep.equal({ committed: new Set([1, 2]), fenced: new Set([0]) });
  });

  it('stores a batch once whose commit was not answered', async () => {
    await using world = await freshStore();
    await own(world.store, [0]);
    await using proxy = await CutProxy.start(world.url);
    const changes: string[] = [];
    await using cut = await openStore(proxy.url, {
      onDown: () => changes.push('down'),
      onUp: () => changes.push('up'),
    });
    await using watcher = await connect(world.url);

    await cut.store.journal.commit([batch({ shard: 0 })]);
    proxy.holdAnswers();
    const commit = cut.store.journal.commit([batch({ shard: 0, lsn: 2 })]);
    await stored(watcher, 2);
    proxy.cut();

    expect((await commit).committed).to.deep.equal(new Set([0]));
    expect(await world.store.journal.tail([{ shard: 0, lsn: 0 }])).to.have.length(2);
    expect(changes).to.deep.equal(['down', 'up']);
  });

  it('knows a batch as committed whose commit was not answered before another node took the shard', async () => {
    await using world = await freshStore();
    await own(world.store, [0]);
    await using proxy = await CutProxy.start(world.url);
    await using cut = await openStore(proxy.url);
    await using watcher = await connect(world.url);

    await cut.store.journal.commit([batch({ shard: 0 })]);
    proxy.holdAnswers();
    const commit = cut.store.journal.commit([batch({ shard: 0, lsn: 2 })]);
    await stored(watcher, 2);
    await world.store.claims.claim([{ shard: 0, epoch: 1 }], 'b', 'b1');
    proxy.cut();

    expect((await commit).committed).to.deep.equal(new Set([0]));
  });

  it('keeps every character of the records, and lets them grow from commit to commit', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0, 1]);
    const nasty = `😀 é ' " \\ \\' \0 \n \u2028 ? :x -- /* ${'\\'.repeat(7)}`;
    const sizes = [1, 1_000, 60_000, 2_000_000];

    for (const [index, size] of sizes.entries()) {
      const records = JSON.stringify([nasty.repeat(Math.ceil(size / nasty.length))]);
      await store.journal.commit([0, 1].map((shard) => batch({ shard, lsn: index + 1, records })));
      await store.journal.commit([batch({ shard: 0, lsn: 100 + index, records })]);
    }

    for (const row of await store.journal.tail([0, 1].map((shard) => ({ shard, lsn: 0 })))) {
      const [value]: unknown[] = JSON.parse(row.records);
      expect(String(value).replaceAll(nasty, '') === '', `lsn ${row.lsn}`).to.be.true;
    }
  });

  it('refuses a batch that no row can hold, by its size', async () => {
    await using world = await freshStore();
    const records = 'x'.repeat(16 * 1024 * 1024);

    const error: unknown = await world.store.journal
      .commit([batch({ shard: 0, records })])
      .catch((thrown: unknown) => thrown);

    expect(error).to.be.instanceOf(RangeError);
  });

  it('commits 200 shards in one call', async () => {
    await using world = await freshStore({ shards: 200 });
    const { store } = world;
    const shards = Array.from({ length: 200 }, (_, shard) => shard);
    await own(store, shards);

    const result = await store.journal.commit(shards.map((shard) => batch({ shard })));

    expect(result.committed.size).to.equal(200);
  });

  it('trims what a checkpoint covers and is old enough, and goes on counting after it', async () => {
    await using world = await freshStore();
    const { store } = world;
    await own(store, [0]);
    for (let lsn = 1; lsn <= 5; lsn += 1) await store.journal.commit([batch({ shard: 0, lsn })]);
    await store.checkpoints.write([], [], [{ shard: 0, epoch: 1, lsn: 3 }]);

    const young = await store.journal.trim([0]);
    const trimmed = await store.journal.trim([0], { retentionMs: -1_000, chunk: 2 });

    expect([young, trimmed]).to.deep.equal([0, 3]);
    expect((await store.journal.tail([{ shard: 0, lsn: 0 }])).map(({ lsn }) => lsn)).to.deep.equal([
      4, 5,
    ]);
    await store.checkpoints.write([], [], [{ shard: 0, epoch: 1, lsn: 5 }]);
    await store.journal.trim([0], { retentionMs: -1_000 });
    const [claimed] = await store.claims.claim([{ shard: 0, epoch: 1 }], 'b', 'b1');
    expect(claimed).to.include({ lsn: 5, checkpointLsn: 5 });
  });

  it('reads numbers as numbers, however large', async () => {
    await using world = await freshStore();
    const { store } = world;
    const [claimed] = await own(store, [0]);
    expect(claimed).to.deep.equal({ shard: 0, epoch: 1, lsn: 0, checkpointLsn: 0 });
    const lsn = Number.MAX_SAFE_INTEGER - 1;
    await store.journal.commit([batch({ shard: 0, lsn })]);
    await store.checkpoints.write([], [], [{ shard: 0, epoch: 1, lsn }]);

    const [next] = await store.claims.claim([{ shard: 0, epoch: 1 }], 'b', 'b1');

    expect(next).to.deep.equal({ shard: 0, epoch: 2, lsn, checkpointLsn: lsn });
    expect((await store.journal.tail([{ shard: 0, lsn: lsn - 1 }]))[0]?.lsn).to.equal(lsn);
  });

  it('ends a commit that waits for MySQL when the store is closed', async () => {
    await using world = await freshStore();
    await own(world.store, [0]);
    const proxy = await CutProxy.start(world.url);
    const cut = await openStore(proxy.url);
    await proxy[Symbol.asyncDispose]();
    const commit = cut.store.journal.commit([batch({ shard: 0 })]).catch((error: unknown) => error);

    await cut.store.close();

    expect(await commit).to.be.instanceOf(Error);
  });
});

async function own(store: Store, shards: readonly number[]) {
  return await store.claims.claim(
    shards.map((shard) => ({ shard, epoch: 0 })),
    'a',
    'a1',
  );
}

/** Resolves when the row with this lsn can be seen. */
async function stored(watcher: Awaited<ReturnType<typeof connect>>, lsn: number): Promise<void> {
  await until(async () => {
    const [rows] = await watcher.query('SELECT 1 FROM journal WHERE lsn = ?', [lsn]);
    return Array.isArray(rows) && rows.length > 0;
  });
}
