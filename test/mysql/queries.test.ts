import { expect } from 'chai';
import type { Connection, RowDataPacket } from 'mysql2/promise';

import type { Graph } from '#actors/definition.ts';
import type { HistoryRange, HistorySegment } from '#cluster/mysql/history.ts';
import type { ActorKey, Snapshot } from '#cluster/mysql/snapshots.ts';
import type { TaskLogRow } from '#cluster/mysql/task-logs.ts';

import { graph as sketched } from '../support/graphs.ts';
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
  it('gives each event once, however the segments overlap', async () => {
    await using world = await freshStore();
    const { checkpoints, histories } = world.store;
    await checkpoints.write([], [segment(1, 2), segment(3, 5), segment(4, 8)], []);
    await checkpoints.write([], [segment(1, 6), segment(3, 3), segment(9, 9)], []);

    const events = await histories.read(0, 'w', { limit: 100 });

    expect(events.map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(events[0]).to.deep.equal({ seq: 1, event: 'e1' });
  });

  it('has no gap after any event, where a short segment lies within a long one', async () => {
    await using world = await freshStore();
    const { checkpoints, histories } = world.store;
    const cuts = [
      [1, 1],
      [2, 12],
      [4, 5],
      [7, 7],
      [8, 10],
      [13, 15],
    ] as const;
    await checkpoints.write(
      [],
      cuts.map(([first, last]) => segment(first, last)),
      [],
    );

    for (let after = 0; after <= 15; after += 1) {
      const events = await histories.read(0, 'w', { after, limit: 100 });
      expect(events.map(({ seq }) => seq)).to.deep.equal(seqs(after + 1, 15));
    }
  });

  it('gives a page after and before an event, and ends it when it is long enough', async () => {
    await using world = await freshStore();
    const { checkpoints, histories } = world.store;
    const segments = Array.from({ length: 40 }, (_, n) => segment(n * 3 + 1, n * 3 + 3));
    await checkpoints.write([], segments, []);
    const page = async (range: Partial<HistoryRange>) =>
      (await histories.read(0, 'w', { limit: 100, ...range })).map(({ seq }) => seq);

    expect(await page({ after: 50, limit: 60 })).to.deep.equal(seqs(51, 110));
    expect(await page({ after: 100, before: 110 })).to.deep.equal(seqs(101, 109));
    expect(await page({ after: 119 })).to.deep.equal([120]);
    expect(await page({ after: 120 })).to.be.empty;
    expect(await page({ after: 0, bytes: 1 })).to.deep.equal([1, 2, 3]);
  });

  it('of 50,000 events is paged from any place without reading what is before it', async () => {
    await using world = await freshStore();
    await using watcher = await connect(world.url);
    const { checkpoints, histories } = world.store;
    const segments = Array.from({ length: 10_000 }, (_, n) => segment(n * 5 + 1, n * 5 + 5));
    await checkpoints.write([], segments, []);

    const before = await rowsRead(watcher);
    const events = await histories.read(0, 'w', { after: 48_888, limit: 200 });
    const read = (await rowsRead(watcher)) - before;

    expect(events.map(({ seq }) => seq)).to.deep.equal(seqs(48_889, 49_088));
    expect(read).to.be.lessThan(1_000);
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

  it('are found by a type of task, whatever it is called', async () => {
    await using world = await freshStore();
    const { definitions } = world.store;
    await definitions.put([
      graph('a', 'v1', ['mail', 'a"b\\c_%']),
      graph('b', 'v1', ['mail']),
      graph('c', 'v1', ['mailer', 'ma_l']),
      graph('d', 'v1', []),
    ]);
    await definitions.put([graph('b', 'v2', [])]);

    expect(await definitions.namesWithTask('mail')).to.deep.equal(['a', 'b']);
    expect(await definitions.namesWithTask('a"b\\c_%')).to.deep.equal(['a']);
    expect(await definitions.namesWithTask('ma_l')).to.deep.equal(['c']);
    expect(await definitions.namesWithTask('%')).to.be.empty;
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

describe('retention', () => {
  it('removes what ended long ago with its history, logs and tags, in chunks, and nothing else', async () => {
    await using world = await freshStore();
    const { checkpoints, claims, histories, logs, retention, snapshots, workflows } = world.store;
    const tags = { team: 'one' };
    const old = ['a', 'b', 'c'].map((id) => snapshot({ id, open: false, endedAt: 1_000, tags }));
    const kept = [
      snapshot({ id: 'open', tags }),
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

    const claimed = await claims.claim([{ shard: 0, epoch: 0 }], 'n', 'n1');
    const epoch = claimed[0]?.epoch ?? 0;
    const owned = (actors: readonly ActorKey[]) => actors.map((actor) => ({ ...actor, epoch }));
    const others = await retention.ended([1, 2], 60_000, 2);
    const first = await retention.ended([0], 60_000, 2);
    // A node that has lost the shard removes nothing.
    await retention.remove(owned(first).map((actor) => ({ ...actor, epoch: epoch - 1 })));
    expect(await retention.ended([0], 60_000, 2)).to.deep.equal(first);
    await retention.remove(owned(first));
    const second = await retention.ended([0, 1], 60_000, 2);
    await retention.remove(owned(second));

    expect([others, first, second].map((found) => found.length)).to.deep.equal([0, 2, 1]);
    const left = await snapshots.load(all);
    expect(left.map(({ id }) => id)).to.have.members(['open', 'fresh']);
    expect(await histories.read(0, 'a', { limit: 9 })).to.be.empty;
    expect(await histories.read(0, 'open', { limit: 9 })).to.have.length(1);
    expect(await logs.read(0, 'b', { limit: 9 })).to.be.empty;
    expect(await workflows.count({ tags })).to.equal(1);
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

function seqs(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

function graph(name: string, version: string, tasks: readonly string[] = []): Graph {
  const steps = tasks.map((task, index) => [`s${index}`, { task, queue: task }] as const);
  return sketched(Object.fromEntries(steps), { name, version });
}

/** How many entries of keys and tables the statements of this server have read one after the other. */
async function rowsRead(watcher: Connection): Promise<number> {
  const [rows] = await watcher.query<RowDataPacket[]>(
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_read_next', 'Handler_read_prev')",
  );
  return rows.reduce((sum, row) => sum + Number(row['Value']), 0);
}
