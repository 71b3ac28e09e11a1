import { expect } from 'chai';

import type { Graph } from '#actors/definition.ts';
import type { HistorySegment } from '#cluster/mysql/history.ts';
import type { Snapshot } from '#cluster/mysql/snapshots.ts';
import type { TaskLogRow } from '#cluster/mysql/task-logs.ts';

import { connect, freshStore, snapshot } from './store.ts';

describe('snapshots', () => {
  it('are loaded by shard when open, and by key always', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    await checkpoints.write(
      [
        snapshot({ id: 'b' }),
        snapshot({ id: 'a' }),
        snapshot({ id: 'closed', open: false, endedAt: 5 }),
        snapshot({ id: 'a', shard: 1 }),
        snapshot({ id: 'a', shard: 2 }),
      ],
      [],
      [],
    );

    const pages: (readonly Snapshot[])[] = [];
    for await (const page of snapshots.open([1, 0], 1)) pages.push(page);
    const found = await snapshots.load([
      { shard: 0, id: 'closed' },
      { shard: 0, id: 'nobody' },
    ]);

    expect(pages.flat().map(({ shard, id }) => `${shard}/${id}`)).to.deep.equal([
      '0/a',
      '0/b',
      '1/a',
    ]);
    expect(found.map(({ id }) => id)).to.deep.equal(['closed']);
  });

  it('tell whose time has come, the earliest first', async () => {
    await using world = await freshStore();
    const { checkpoints, snapshots } = world.store;
    await checkpoints.write(
      [30, 10, 20, 40].map((dueAt) => snapshot({ id: `at${dueAt}`, dueAt })),
      [],
      [],
    );
    await checkpoints.write([snapshot({ id: 'elsewhere', shard: 3, dueAt: 1 })], [], []);

    const due = await snapshots.due([0, 1], 40, 2);

    expect(due).to.deep.equal([
      { shard: 0, id: 'at10', dueAt: 10 },
      { shard: 0, id: 'at20', dueAt: 20 },
    ]);
    expect(await snapshots.due([], 40, 2)).to.be.empty;
  });
});

describe('history', () => {
  it('gives each event once, in both directions, however the segments overlap', async () => {
    await using world = await freshStore();
    const { checkpoints, histories } = world.store;
    await checkpoints.write([], [segment(1, 2), segment(3, 5), segment(4, 8)], []);
    await checkpoints.write([], [segment(1, 6), segment(3, 3), segment(9, 9)], []);

    const up = await histories.read(0, 'w', { limit: 100, order: 'asc' });
    const down = await histories.read(0, 'w', { limit: 100, order: 'desc' });

    expect(up.map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(down).to.deep.equal(up.toReversed());
    expect(up[0]).to.deep.equal({ seq: 1, event: 'e1' });
  });

  it('gives a page after or before an event', async () => {
    await using world = await freshStore();
    const { checkpoints, histories } = world.store;
    const segments = Array.from({ length: 40 }, (_, n) => segment(n * 3 + 1, n * 3 + 3));
    await checkpoints.write([], segments, []);

    const after = await histories.read(0, 'w', { after: 50, limit: 60, order: 'asc' });
    const before = await histories.read(0, 'w', { before: 50, limit: 60, order: 'desc' });

    expect(after.map(({ seq }) => seq)).to.deep.equal(Array.from({ length: 60 }, (_, n) => 51 + n));
    expect(before.map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 49 }, (_, n) => 49 - n),
    );
  });
});

describe('log lines', () => {
  it('are stored once, and the newest are given in order, of one task or of all', async () => {
    await using world = await freshStore();
    const { logs } = world.store;
    await logs.write([line(0, 2), line(1, 3), line(0, 1)]);
    await logs.write([line(0, 2)]);

    expect(await logs.read(0, 'w', { limit: 9 })).to.deep.equal([
      line(0, 1),
      line(0, 2),
      line(1, 3),
    ]);
    expect(await logs.read(0, 'w', { task: 0, limit: 1 })).to.deep.equal([line(0, 2)]);
  });
});

describe('definitions', () => {
  it('are kept by version, and the one registered last is the newest', async () => {
    await using world = await freshStore();
    const { definitions } = world.store;
    await definitions.put([graph('b', 'v1'), graph('a', 'v1')]);
    await definitions.put([graph('b', 'v2')]);

    expect((await definitions.list()).map(({ name, version }) => name + version)).to.deep.equal([
      'av1',
      'bv2',
    ]);
    expect((await definitions.versions('b')).map(({ version }) => version)).to.deep.equal([
      'v2',
      'v1',
    ]);
    expect(await definitions.get('b', 'v1')).to.deep.equal(graph('b', 'v1'));
    expect(await definitions.get('b')).to.deep.equal(graph('b', 'v2'));
    expect(await definitions.latest('c')).to.equal(null);
  });

  it('of an earlier version are the newest again after a roll-back', async () => {
    await using world = await freshStore();
    const { definitions } = world.store;
    for (const version of ['v1', 'v2', 'v1', 'v1']) await definitions.put([graph('a', version)]);

    expect((await definitions.latest('a'))?.version).to.equal('v1');
  });
});

describe('nodes', () => {
  it('move their counter, see each other, and are removed by their incarnation alone', async () => {
    await using world = await freshStore();
    const { nodes } = world.store;
    await nodes.beat('a', 'a1', { url: null });
    await nodes.beat('b', 'b1', { url: 'x' });

    const seen = await nodes.beat('a', 'a1', { url: 'y' });

    expect(seen.map(({ name, counter, info }) => ({ name, counter, info }))).to.deep.equal([
      { name: 'a', counter: 2, info: { url: 'y' } },
      { name: 'b', counter: 1, info: { url: 'x' } },
    ]);
    await nodes.remove('a', 'another');
    await nodes.remove('b', 'b1');
    expect((await nodes.read()).map(({ name }) => name)).to.deep.equal(['a']);
  });
});

describe('lists of workflows', () => {
  it('are newest first, filtered, paged and counted exactly', async () => {
    await using world = await freshStore();
    const { checkpoints, workflows } = world.store;
    await checkpoints.write(
      [
        snapshot({ id: 'old', createdAt: 1, state: 'completed', endedAt: 1, open: false }),
        snapshot({ id: 'new', createdAt: 3, shard: 3 }),
        snapshot({ id: 'mid', createdAt: 2, name: 'other' }),
        snapshot({ id: 'mid2', createdAt: 2 }),
        snapshot({ id: 'counter/1', createdAt: 9, kind: 'actor' }),
      ],
      [],
      [],
    );
    const ids = async (filter: {
      state?: string;
      name?: string;
      limit?: number;
      offset?: number;
    }) =>
      (await workflows.list({ kind: 'workflow', limit: 9, offset: 0, ...filter })).map(
        ({ id }) => id,
      );

    expect(await ids({})).to.deep.equal(['new', 'mid2', 'mid', 'old']);
    expect(await ids({ limit: 2, offset: 1 })).to.deep.equal(['mid2', 'mid']);
    expect(await ids({ state: 'running', name: 'order' })).to.deep.equal(['new', 'mid2']);
    expect(await workflows.count()).to.equal(4);
    expect(await workflows.stats()).to.deep.equal({ running: 3, completed: 1 });
    expect(await workflows.stats('actor')).to.deep.equal({ running: 1 });
  });

  it('are read by an index, never by a scan of the table', async () => {
    await using world = await freshStore();
    await using watcher = await connect(world.url);
    const many = Array.from({ length: 5_000 }, (_, n) => snapshot({ id: `w${n}`, createdAt: n }));
    await world.store.checkpoints.write(many, [], []);
    await watcher.query('ANALYZE TABLE actor');

    const keyOf = async (sql: string): Promise<unknown> => {
      const [rows] = await watcher.query(`EXPLAIN FORMAT=TRADITIONAL ${sql}`);
      const [row]: unknown[] = Array.isArray(rows) ? rows : [];
      return row instanceof Object && 'key' in row ? row.key : null;
    };

    expect(
      await keyOf(
        "SELECT * FROM actor WHERE kind = 'workflow' ORDER BY created_at DESC, id DESC LIMIT 20",
      ),
    ).to.equal('actor_created');
    expect(
      await keyOf(
        "SELECT * FROM actor WHERE kind = 'workflow' AND state = 'failed' ORDER BY created_at DESC, id DESC LIMIT 20",
      ),
    ).to.equal('actor_state');
    expect(
      await keyOf("SELECT state, COUNT(*) FROM actor WHERE kind = 'workflow' GROUP BY state"),
    ).to.equal('actor_state');
    expect(await keyOf('SELECT id FROM actor WHERE shard_id = 0 AND due_at < 5')).to.equal(
      'actor_due',
    );
  });
});

describe('retention', () => {
  it('removes what ended long ago with its history and logs, in chunks, and nothing else', async () => {
    await using world = await freshStore();
    const { checkpoints, histories, logs, retention, snapshots } = world.store;
    const old = ['a', 'b', 'c'].map((id) => snapshot({ id, open: false, endedAt: 1_000 }));
    const kept = [
      snapshot({ id: 'open' }),
      snapshot({ id: 'fresh', open: false, endedAt: Date.now() }),
    ];
    const all = [...old, ...kept];
    await checkpoints.write(
      all,
      all.map(({ shard, id }) => ({
        shard,
        id,
        firstSeq: 1,
        lastSeq: 1,
        events: '[{"seq":1,"event":1}]',
      })),
      [],
    );
    await logs.write(
      all.map(({ shard, id }) => ({
        shard,
        id,
        task: 0,
        attempt: 1,
        n: 1,
        at: 1,
        level: 'info',
        message: '',
      })),
    );

    const pruned = [await retention.prune(60_000, 2), await retention.prune(60_000, 2)];

    expect(pruned).to.deep.equal([2, 1]);
    const left = await snapshots.load(all);
    expect(left.map(({ id }) => id)).to.have.members(['open', 'fresh']);
    expect(await histories.read(0, 'a', { limit: 9, order: 'asc' })).to.be.empty;
    expect(await histories.read(0, 'open', { limit: 9, order: 'asc' })).to.have.length(1);
    expect(await logs.read(0, 'b', { limit: 9 })).to.be.empty;
    expect(await logs.read(0, 'fresh', { limit: 9 })).to.have.length(1);
  });
});

function segment(firstSeq: number, lastSeq: number): HistorySegment {
  const events = Array.from({ length: lastSeq - firstSeq + 1 }, (_, n) => ({
    seq: firstSeq + n,
    event: `e${firstSeq + n}`,
  }));
  return { shard: 0, id: 'w', firstSeq, lastSeq, events: JSON.stringify(events) };
}

function line(task: number, n: number): TaskLogRow {
  const message = `😀 ${task}.${n}`;
  return { shard: 0, id: 'w', task, attempt: 1, n, at: n, level: 'warn', message };
}

function graph(name: string, version: string): Graph {
  return { name, version, steps: [], timeoutMs: null, onFailure: 'letFinish' };
}
