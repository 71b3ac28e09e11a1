import { fork } from 'node:child_process';
import { once } from 'node:events';

import { expect } from 'chai';

import { CutProxy } from './cut-proxy.ts';
import { batch, connect, freshStore, lockWaits, openStore } from './store.ts';

describe('claims', () => {
  it('give each shard to one of two nodes that ask at once', async () => {
    await using world = await freshStore();
    await using other = await openStore(world.url);
    const wanted = await world.store.claims.read();

    const [a, b] = await Promise.all([
      world.store.claims.claim(wanted, 'a', 'a1'),
      other.store.claims.claim(wanted, 'b', 'b1'),
    ]);

    expect([...a, ...b].map(({ shard }) => shard)).to.have.members([0, 1, 2, 3, 4, 5, 6, 7]);
    const owners = await world.store.claims.owners();
    for (const { shard } of a) expect(owners.get(shard)).to.equal('a');
    for (const { shard } of b) expect(owners.get(shard)).to.equal('b');
  });

  it('take the shards whose epoch is as seen, and no other', async () => {
    await using world = await freshStore();
    const { claims } = world.store;

    const won = await claims.claim(
      [
        { shard: 1, epoch: 0 },
        { shard: 2, epoch: 7 },
      ],
      'a',
      'a1',
    );

    expect(won).to.deep.equal([{ shard: 1, epoch: 1, lsn: 0, checkpointLsn: 0 }]);
    expect((await claims.read())[1]).to.deep.equal({
      shard: 1,
      epoch: 1,
      owner: 'a',
      incarnation: 'a1',
      checkpointLsn: 0,
    });
  });

  it('are not fooled by another incarnation of the same name', async () => {
    await using world = await freshStore();
    const { claims } = world.store;
    await claims.claim([{ shard: 0, epoch: 0 }], 'a', 'a1');

    expect(await claims.claim([{ shard: 0, epoch: 0 }], 'a', 'a2')).to.be.empty;
  });

  it('tell what was won when the answer of the first attempt was lost', async () => {
    await using world = await freshStore();
    await using proxy = await CutProxy.start(world.url);
    await using cut = await openStore(proxy.url);
    await using rival = await connect(world.url);
    await using watcher = await connect(world.url);
    await rival.query('START TRANSACTION');
    await rival.query('SELECT * FROM shard WHERE shard_id = 0 FOR UPDATE');

    const claim = cut.store.claims.claim([{ shard: 0, epoch: 0 }], 'a', 'a1');
    await lockWaits(watcher, 1);
    proxy.holdAnswers();
    await rival.query('COMMIT');
    // Waits for the claim's transaction.
    await rival.query('SELECT * FROM shard WHERE epoch = 1 FOR UPDATE');
    proxy.cut();

    expect(await claim).to.deep.equal([{ shard: 0, epoch: 1, lsn: 0, checkpointLsn: 0 }]);
  });

  it('are not held up by a claimer that was stopped while it had locks', async function () {
    this.timeout(30_000);
    await using world = await freshStore();
    await using rival = await connect(world.url);
    await using watcher = await connect(world.url);
    await rival.query('START TRANSACTION');
    await rival.query('SELECT * FROM shard WHERE shard_id = 5 FOR UPDATE');
    const stopped = fork(new URL('./claimer.ts', import.meta.url), [world.url]);
    const gone = once(stopped, 'exit');
    // It has shard 1 and waits for shard 5.
    await lockWaits(watcher, 1);
    stopped.kill('SIGSTOP');

    const since = performance.now();
    const won = await world.store.claims.claim([{ shard: 1, epoch: 0 }], 'b', 'b1');
    const ms = performance.now() - since;
    stopped.kill('SIGKILL');
    await gone;

    expect(won).to.have.length(1);
    expect(ms).to.be.lessThan(8_000);
  });

  it('let go of a shard at once, and fence who had it', async () => {
    await using world = await freshStore();
    const { claims, journal } = world.store;
    await claims.claim(
      [0, 1].map((shard) => ({ shard, epoch: 0 })),
      'a',
      'a1',
    );

    await claims.release([
      { shard: 0, epoch: 1 },
      { shard: 1, epoch: 0 },
    ]);

    const [first, second] = await claims.read();
    expect(first).to.include({ owner: null, incarnation: null, epoch: 2 });
    expect(second).to.include({ owner: 'a', epoch: 1 });
    const result = await journal.commit([0, 1].map((shard) => batch({ shard })));
    expect(result).to.deep.equal({ committed: new Set([1]), fenced: new Set([0]) });
  });
});
