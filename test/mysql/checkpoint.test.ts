import { expect } from 'chai';

import { connect, freshStore, lockWaits, snapshot } from './store.ts';

describe('the checkpointer', () => {
  it('never replaces a snapshot by one that is not newer', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    const newest = snapshot({ id: 'w', seq: 5, state: 'completed', open: false, data: '{"n":5}' });
    await checkpoints.write([newest], [], []);

    await checkpoints.write([snapshot({ id: 'w', seq: 4, state: 'running' })], [], []);
    await checkpoints.write([snapshot({ id: 'w', seq: 5, state: 'running' })], [], []);

    expect(await snapshots.load([{ shard: 0, id: 'w' }])).to.deep.equal([newest]);
  });

  it('replaces every column by those of a newer snapshot', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    await checkpoints.write([snapshot({ id: 'w', seq: 1, dueAt: 7 })], [], []);
    const newer = snapshot({
      id: 'w',
      seq: 2,
      kind: 'actor',
      name: 'other',
      version: 'v2',
      state: 'failed',
      open: false,
      data: '[1]',
      failure: 'it broke',
      createdAt: 1,
      startedAt: 2,
      endedAt: 3,
    });

    await checkpoints.write([newer], [], []);

    expect(await snapshots.load([{ shard: 0, id: 'w' }])).to.deep.equal([newer]);
  });

  it('never lowers the lsn of a checkpoint, and raises it for the owner alone', async () => {
    await using world = await freshStore();
    const { checkpoints, claims } = world.store;
    await claims.claim(
      [0, 1].map((shard) => ({ shard, epoch: 0 })),
      'a',
      'a1',
    );
    await checkpoints.write([], [], [{ shard: 0, epoch: 1, lsn: 9 }]);

    await checkpoints.write(
      [],
      [],
      [
        { shard: 1, epoch: 0, lsn: 5 },
        { shard: 0, epoch: 1, lsn: 8 },
      ],
    );

    const rows = await claims.read();
    expect(rows.slice(0, 2).map(({ checkpointLsn }) => checkpointLsn)).to.deep.equal([9, 0]);
  });

  it('writes many rows of any size in statements that the server takes', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    const data = JSON.stringify('x'.repeat(20_000));
    const many = Array.from({ length: 1_203 }, (_, index) =>
      snapshot({ id: `w${index}`, data, shard: index % 3 }),
    );

    await checkpoints.write(many, [], []);

    let loaded = 0;
    for await (const page of snapshots.open([0, 1, 2], 100)) {
      expect(page.length).to.be.at.most(100);
      loaded += page.length;
    }
    expect(loaded).to.equal(1_203);
  });

  it('keeps every character of the state', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    const nasty = `😀 é ' " \\ \\' \0 \n ? ?? :x \u2028 -- /* ${'\\'.repeat(5)}`;
    const kept = snapshot({
      id: 'w',
      name: 'naïve "😀"',
      data: JSON.stringify({ nasty }),
      failure: nasty,
    });

    await checkpoints.write([kept], [], []);

    expect(await snapshots.load([{ shard: 0, id: 'w' }])).to.deep.equal([kept]);
    const { snapshots: listed } = await world.store.workflows.page({}, { limit: 1 });
    expect(listed).to.deep.equal([kept]);
  });

  for (const table of ['history', 'tag']) {
    it(`is stored only after its ${table}`, async () => {
      await using world = await freshStore();
      await using rival = await connect(world.url);
      const { checkpoints, histories, snapshots, workflows } = world.store;
      await rival.query(`RENAME TABLE ${table} TO gone`);
      const kept = snapshot({ id: 'w', tags: { team: 'a' } });
      const events = '[{"seq":1,"event":1}]';
      const write = async () =>
        await checkpoints.write(
          [kept],
          [{ shard: 0, id: 'w', firstSeq: 1, lastSeq: 1, events }],
          [],
        );

      const failed = await write().catch((error: unknown) => error);

      expect(failed).to.be.instanceOf(Error);
      expect(await snapshots.load([kept])).to.be.empty;
      await rival.query(`RENAME TABLE gone TO ${table}`);
      await write();
      expect(await snapshots.load([kept])).to.have.length(1);
      expect(await histories.read(0, 'w', { limit: 9 })).to.deep.equal([{ seq: 1, event: 1 }]);
      expect(await workflows.count({ tags: { team: 'a' } })).to.equal(1);
    });
  }

  it('tries again when it loses a deadlock', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    await checkpoints.write([snapshot({ id: 'a' }), snapshot({ id: 'b' })], [], []);
    await using rival = await connect(world.url);
    await using watcher = await connect(world.url);
    // What has changed more rows wins a deadlock.
    await rival.query('START TRANSACTION');
    await rival.query('UPDATE shard SET checkpoint_lsn = checkpoint_lsn + 1');
    await rival.query("UPDATE actor SET failure = 'rival' WHERE id = 'b'");

    const write = checkpoints.write(
      [snapshot({ id: 'a', seq: 2 }), snapshot({ id: 'b', seq: 2 })],
      [],
      [],
    );
    await lockWaits(watcher, 1);
    await rival.query("UPDATE actor SET failure = 'rival' WHERE id = 'a'");
    await rival.query('COMMIT');
    await write;

    const rows = await snapshots.load(['a', 'b'].map((id) => ({ shard: 0, id })));
    expect(rows.map(({ seq }) => seq)).to.deep.equal([2, 2]);
  });
});
