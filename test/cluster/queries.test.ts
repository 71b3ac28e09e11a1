import { expect } from 'chai';

import { shardOf } from '#actors/ids.ts';
import type { ClusterApi, TaskFilter, WorkflowFilter, WorkflowPage } from '#cluster/api.ts';
import { Store } from '#cluster/mysql/store.ts';
import { task, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Gate, gate } from '../support/held.ts';
import { refusal } from '../support/rejection.ts';
import { until } from '../support/until.ts';

const mail = task('mail', { run: () => ({ sent: true }) });

describe('questions about many workflows', () => {
  let cluster: TestCluster;
  let held: Gate;

  before(async () => {
    held = gate();
    cluster = await startCluster({ nodes: 2, definitions: definitions(held) });
    // Ids rise in the order of the starts: a list breaks the tie of two in one millisecond by id.
    const start = async (name: string, id: string, tags: Record<string, string> = {}) =>
      await cluster.api.start({ name, id, input: { to: id }, tags });
    for (let n = 0; n < 6; n += 1) {
      await start('letter', `letter-${n}`, { team: n % 2 === 0 ? 'even' : 'odd', n: String(n) });
    }
    for (let n = 0; n < 3; n += 1) await start('waits', `waits-${n}`, { team: 'even' });
    await start('breaks', 'wrecks-0');
    await cluster.api.cancel('waits-2');
    for (const api of cluster.apis) await api.result('wrecks-0', 20_000);
    await until(async () => {
      const { completed, running, failed, canceled } = await cluster.api.stats();
      return [completed, running, failed, canceled].join() === '6,2,1,1';
    });
  });

  after(async () => {
    held.open();
    await cluster[Symbol.asyncDispose]();
  });

  it('list and count what fits the filter, whichever node is asked', async () => {
    const { rows } = await cluster.api.list({ limit: 100 });
    const created = rows.map((row) => ({ id: row.id, at: Date.parse(row.created_at) }));
    const third = created.at(-3)?.at ?? 0;
    const cases: readonly [WorkflowFilter, readonly string[]][] = [
      [{}, created.map(({ id }) => id)],
      [{ name: 'breaks' }, ['wrecks-0']],
      [{ states: ['failed', 'canceled'] }, ['wrecks-0', 'waits-2']],
      [{ states: [] }, []],
      [{ idPrefix: 'waits-' }, ['waits-2', 'waits-1', 'waits-0']],
      [{ tags: { team: 'odd' } }, ['letter-5', 'letter-3', 'letter-1']],
      [{ tags: { team: 'odd', n: '3' } }, ['letter-3']],
      [{ tags: { team: 'even' }, states: ['running'], name: 'waits' }, ['waits-1', 'waits-0']],
      [{ createdBefore: third }, created.filter(({ at }) => at < third).map(({ id }) => id)],
      [{ createdAfter: third }, created.filter(({ at }) => at >= third).map(({ id }) => id)],
      [{ tags: { team: 'nobody' } }, []],
    ];
    for (const api of cluster.apis) {
      for (const [filter, ids] of cases) {
        const page = await api.list({ ...filter, limit: 100 });
        expect(page.rows.map(({ id }) => id)).to.deep.equal(ids);
        expect(page.next).to.equal(null);
        expect(await api.count(filter)).to.equal(ids.length);
      }
    }
    const [letter] = (await cluster.api.list({ limit: 1, tags: { n: '4' } })).rows;
    expect(letter).to.deep.include({
      id: 'letter-4',
      tags: { team: 'even', n: '4' },
      input: { to: 'letter-4' },
      output: { to: 'letter-4', sent: true, filed: true },
      task_states: { completed: 2 },
    });
  });

  it('go on after a page at any node, and refuse a cursor of another question', async () => {
    const filter = { states: ['completed', 'running'] as const, limit: 3 };
    const all = (await cluster.api.list({ ...filter, limit: 100 })).rows.map(({ id }) => id);
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page === 0 || cursor !== null; page += 1) {
      const found: WorkflowPage | undefined = await cluster.apis[page % 2]?.list({
        ...filter,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...(found?.rows ?? []).map(({ id }) => id));
      cursor = found?.next ?? null;
    }
    expect(seen).to.deep.equal(all);

    const { next } = await cluster.api.list(filter);
    const { api } = cluster;
    const again = { ...filter, states: ['running', 'completed'] as const, cursor: next ?? '' };
    expect((await api.list(again)).rows.map(({ id }) => id)).to.deep.equal(all.slice(3, 6));
    for (const wrong of [
      api.list({ limit: 3, cursor: next ?? '' }),
      api.list({ ...filter, name: 'letter', cursor: next ?? '' }),
      api.tasks({ limit: 3, cursor: next ?? '' }),
      api.list({ limit: 3, cursor: '' }),
      api.list({ limit: 3, cursor: 'x' }),
      api.list({ limit: 3, cursor: Buffer.from('[1,2,3]').toString('base64url') }),
    ]) {
      const { code, problems } = await refusal(wrong);
      expect(code).to.equal('INVALID_INPUT');
      expect(problems[0]?.pointer).to.equal('?cursor');
    }
  });

  it('find tasks by state, type, node and workflow, each once, whatever the size of a page', async () => {
    const { api } = cluster;
    const ids = async (filter: Omit<TaskFilter, 'limit'>, limit: number) => {
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await api.tasks({ ...filter, limit, ...(cursor === null ? {} : { cursor }) });
        expect(page.tasks.length).to.be.at.most(limit);
        found.push(...page.tasks.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== null);
      return found;
    };
    const letters = [5, 4, 3, 2, 1, 0];
    for (const limit of [1, 2, 3, 100]) {
      expect(await ids({ states: ['running'] }, limit)).to.deep.equal(['waits-1.0', 'waits-0.0']);
      expect(await ids({ type: 'mail' }, limit)).to.deep.equal(letters.map((n) => `letter-${n}.0`));
      expect(await ids({ type: 'mail', states: ['running'] }, limit)).to.be.empty;
      expect(await ids({ type: 'nothing' }, limit)).to.be.empty;
      expect(await ids({ states: ['failed', 'canceled'] }, limit)).to.deep.equal([
        'wrecks-0.0',
        'waits-2.0',
      ]);
      expect(await ids({ workflowId: 'letter-3' }, limit)).to.deep.equal([
        'letter-3.0',
        'letter-3.1',
      ]);
      expect(await ids({ workflowId: 'letter-3', type: 'mail' }, limit)).to.deep.equal([
        'letter-3.0',
      ]);
    }
    const all = await ids({}, 4);
    expect(new Set(all).size).to.equal(all.length);
    expect(all).to.have.length(6 * 2 + 3 + 1);
    const nodes = await Promise.all(
      cluster.nodes.map(async (node) => await ids({ node: node.name, states: ['completed'] }, 5)),
    );
    expect(nodes.flat()).to.have.members(
      letters.flatMap((n) => [`letter-${n}.0`, `letter-${n}.1`]),
    );
    const [own] = cluster.nodes;
    expect(await ids({ node: own?.id ?? '', states: ['completed'] }, 5)).to.deep.equal(nodes[0]);
    const { code } = await refusal(api.tasks({ limit: 1, workflowId: 'nowhere' }));
    expect(code).to.equal('NOT_FOUND');
  });

  it('tell all that happened to a workflow as soon as its end is told, in pages and at any node', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { id } = await cluster.api.start({ name: 'letter', input: {} });
      const { seq } = await cluster.api.result(id, 20_000);
      for (const api of cluster.apis) {
        const { events, next } = await api.events(id, { after: 0, limit: 1_000 });
        expect(events.map((event) => event.seq)).to.deep.equal(
          Array.from({ length: seq }, (_, index) => index + 1),
        );
        expect(events[0]?.type).to.equal('workflow.accepted');
        expect(events.at(-1)?.type).to.equal('workflow.completed');
        expect(next).to.equal(null);
        const paged = [];
        for (let after: number | null = 0; after !== null;) {
          const page = await api.events(id, { after, limit: 2 });
          expect(page.events.length).to.be.at.most(2);
          paged.push(...page.events);
          after = page.next;
        }
        expect(paged).to.deep.equal(events);
        expect(await api.events(id, { after: seq, limit: 5 })).to.deep.equal({
          events: [],
          next: null,
        });
      }
    }
    for (const [id, after] of [
      ['nowhere', 0],
      ['nowhere', 5],
      ['no/workflow', 0],
    ] as const) {
      const { code } = await refusal(cluster.api.events(id, { after, limit: 5 }));
      expect(code).to.equal('NOT_FOUND');
    }
  });

  it('tell what happened to a workflow that is still running, and the same once its owner has let go of it', async () => {
    const { id } = await cluster.api.start({ name: 'waits', input: {} });
    const early = await Promise.all(
      cluster.apis.map(async (api) => await api.events(id, { after: 0, limit: 9 })),
    );
    for (const { events } of early) expect(events[0]?.type).to.equal('workflow.accepted');
    await cluster.api.cancel(id, 'enough');
    const told = await cluster.api.events(id, { after: 0, limit: 9 });
    await until(async () => await isLetGo(cluster, id));
    expect(await cluster.api.events(id, { after: 0, limit: 9 })).to.deep.equal(told);
    expect(told.events.at(-1)).to.deep.include({ type: 'workflow.canceled', reason: 'enough' });
  });

  it('know the versions of a definition, the newest first', async () => {
    const before = await cluster.api.definitionVersions('letter');
    await cluster.nodes[0]?.add(workflow('letter').task('post', { uses: mail }).build());
    const versions = await cluster.apis[1]?.definitionVersions('letter');

    expect(before).to.have.length(1);
    expect(versions).to.have.length(2);
    expect(versions?.[1]).to.deep.equal(before[0]);
    // A node that has older code shows the newest all the same.
    for (const api of cluster.apis) {
      expect((await api.definition('letter')).version).to.equal(versions?.[0]?.version);
    }
    expect(Date.parse(versions?.[0]?.registered_at ?? '')).to.be.closeTo(Date.now(), 60_000);
    const { code, message } = await refusal(cluster.api.definitionVersions('lettre'));
    expect(code).to.equal('UNKNOWN_DEFINITION');
    expect(message).to.contain('letter');
  });

  it('count what was started and how it ended, minute by minute', async () => {
    const { api } = cluster;
    await api.start({ name: 'letter', input: {} });
    await until(async () => {
      const counted = await totals(api);
      const { completed, failed, canceled, running } = await api.stats();
      const ended = { completed, failed, canceled };
      const started = completed + failed + canceled + running;
      return JSON.stringify(counted) === JSON.stringify({ started, ...ended });
    });

    const minutes = await api.throughput(5);
    expect(minutes).to.have.length(5);
    expect(minutes.map(({ at }) => Date.parse(at) % 60_000)).to.deep.equal([0, 0, 0, 0, 0]);
    expect(Date.now() - Date.parse(minutes.at(-1)?.at ?? '')).to.be.within(0, 60_000);
    expect((await refusal(api.throughput(0))).problems[0]?.pointer).to.equal('?minutes');
    expect((await refusal(api.throughput(10_081))).code).to.equal('INVALID_INPUT');
  });
});

describe('a search for tasks', () => {
  it('looks through 500 workflows a call, and goes on from there', async () => {
    await using cluster = await startCluster({ definitions: definitions(gate()) });
    const { id } = await cluster.api.start({ name: 'letter', input: {} });
    await cluster.api.result(id, 20_000);
    await until(async () => (await cluster.api.stats()).completed === 1);
    const store = await Store.open(cluster.options.mysql, { shards: 16 });
    try {
      const [stored] = await store.snapshots.load([{ shard: shardOf(id, 16), id }]);
      if (stored === undefined) throw new Error('it is not stored');
      await store.checkpoints.write(
        Array.from({ length: 1_199 }, (_, n) => ({
          ...stored,
          id: `copy-${n}`,
          shard: shardOf(`copy-${n}`, 16),
          createdAt: stored.createdAt - n,
        })),
        [],
        [],
      );
    } finally {
      await store.close();
    }

    const pages = [];
    let cursor: string | null = null;
    do {
      const page = await cluster.api.tasks({
        node: 'nobody',
        limit: 10,
        ...(cursor === null ? {} : { cursor }),
      });
      pages.push(page.tasks.length);
      cursor = page.next;
    } while (cursor !== null);
    expect(pages).to.deep.equal([0, 0, 0]);
  });
});

function definitions(held: Gate) {
  return [
    workflow('letter')
      .task('post', { uses: mail })
      .task('file', { run: () => ({ filed: true }) })
      .build(),
    workflow('waits').task('wait', { run: held.pass }).build(),
    workflow('breaks')
      .task('break', {
        run: () => {
          throw new Error('on purpose');
        },
        retry: { maxAttempts: 1 },
      })
      .build(),
  ];
}

async function totals(api: ClusterApi) {
  const counted = { started: 0, completed: 0, failed: 0, canceled: 0 };
  for (const minute of await api.throughput(60)) {
    counted.started += minute.started;
    counted.completed += minute.completed;
    counted.failed += minute.failed;
    counted.canceled += minute.canceled;
  }
  return counted;
}

/** Whether its end is stored: an owner lets go of what has ended as soon as it has stored that. */
async function isLetGo(cluster: TestCluster, id: string): Promise<boolean> {
  const { rows } = await cluster.api.list({ limit: 1, idPrefix: id });
  return rows[0]?.ended_at !== undefined;
}
