import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Connection, RowDataPacket } from 'mysql2/promise';

import type { Snapshot } from '#cluster/mysql/snapshots.ts';
import {
  countSql,
  type Page,
  pageSql,
  type Search,
  waysOf,
} from '#cluster/mysql/workflow-search.ts';
import type { WorkflowsQuery } from '#cluster/mysql/workflows-query.ts';

import { connect, freshStore, snapshot } from './store.ts';

const states = ['pending', 'running', 'completed', 'failed', 'canceled'];
const names = ['order', 'report', 'naïve "😀"'];
const tagNames = ['team', 'env'];
const tagValues = ['a', 'b', "o'hara %_\\"];
/** The beginnings of ids have what LIKE takes for something else. */
const prefixes = ['a', 'a_', 'a_b', 'a.b', 'axb'];

describe('a list of workflows', () => {
  it('has just what fits, in order, whatever the filter, page by page or at once, and counts it', async () => {
    await using world = await freshStore();
    const { checkpoints, workflows } = world.store;
    const all = Array.from({ length: 400 }, (_, n) => arbitrarySnapshot(n));
    const actor = snapshot({ id: 'counter/1', kind: 'actor', createdAt: 5 });
    await checkpoints.write([...all, actor], [], []);

    await fc.assert(
      fc.asyncProperty(searches, fc.integer({ min: 1, max: 60 }), async (search, limit) => {
        const fitting = inMemory(all, search);

        expect(await pages(workflows, search, limit)).to.deep.equal(fitting);
        expect(await workflows.count(search)).to.equal(fitting.length);
        const offset = Math.floor(fitting.length / 2);
        const { snapshots } = await workflows.page(search, { limit: 500, offset });
        expect(snapshots.map(({ id }) => id)).to.deep.equal(fitting.slice(offset));
      }),
      { numRuns: 120 },
    );
  });

  it('is the same by whichever way it is searched', async () => {
    await using world = await freshStore();
    await using connection = await connect(world.url);
    const all = Array.from({ length: 300 }, (_, n) => arbitrarySnapshot(n));
    await world.store.checkpoints.write(all, [], []);

    await fc.assert(
      fc.asyncProperty(searches, async (search) => {
        const after = { createdAt: 30, id: 'b' };
        const fitting = inMemory(all, search);
        const later = fitting.filter((id) => {
          const one = all.find((some) => some.id === id);
          return one !== undefined && order(one, snapshot(after)) > 0;
        });
        for (const { way } of [...waysOf(search), { way: { by: 'order' } as const }]) {
          if (search.states?.length === 0) continue;
          const page = pageSql(search, { limit: 500, after }, way);
          const [rows] = await connection.query<RowDataPacket[]>(page.sql, [...page.values]);
          expect(rows.map((row) => row['id'])).to.deep.equal(later);
          const count = countSql(search, way);
          const [counted] = await connection.query<RowDataPacket[]>(count.sql, [...count.values]);
          expect(Number(counted[0]?.['number'])).to.equal(fitting.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('shows each once to whoever pages through it while new ones come', async () => {
    await using world = await freshStore();
    const { checkpoints, workflows } = world.store;
    const old = Array.from({ length: 50 }, (_, n) =>
      snapshot({ id: `w${n}`, createdAt: 1 + (n >> 2) }),
    );
    await checkpoints.write(old, [], []);
    const seen: string[] = [];
    let after: Page['after'];
    for (let round = 0; ; round += 1) {
      const { snapshots, next } = await workflows.page({}, { limit: 7, ...(after && { after }) });
      seen.push(...snapshots.map(({ id }) => id));
      const more = [0, 1, 2].map((n) =>
        snapshot({ id: `new${round}.${n}`, createdAt: 100 + round }),
      );
      await checkpoints.write(more, [], []);
      if (next === null) break;
      after = next;
    }

    expect(seen).to.have.members(old.map(({ id }) => id));
    expect(seen).to.have.length(old.length);
  });

  it('is searched in keys alone, so that no row is read which is not shown', async () => {
    await using world = await freshStore();
    await using watcher = await connect(world.url);
    const many = Array.from({ length: 3_000 }, (_, n) => arbitrarySnapshot(n));
    await world.store.checkpoints.write(many, [], []);
    await watcher.query('ANALYZE TABLE actor, tag');

    for (const search of combinations) {
      for (const { way } of waysOf(search)) {
        const page = pageSql(search, { limit: 20, after: { createdAt: 40, id: 'b' } }, way);
        for (const { sql, values } of [page, countSql(search, way)]) {
          const rows = await explained(watcher, sql, values);
          for (const row of rows) {
            const what = `${JSON.stringify(search)} ${JSON.stringify(way)}: ${JSON.stringify(row)}`;
            expect(row.key, what).not.to.equal(null);
            expect(row.key === 'PRIMARY' && row.table === 'a', what).to.equal(false);
            if (row.table === 'a') expect(row.extra, what).to.contain('Using index');
          }
        }
      }
    }
  });

  it('looks at no more entries of keys than its smallest part has', async () => {
    await using world = await freshStore();
    await using watcher = await connect(world.url);
    const { checkpoints, workflows } = world.store;
    const many = Array.from({ length: 20_000 }, (_, n) => arbitrarySnapshot(n));
    // The oldest alone have it, so whoever walks the list from its newest end meets them last.
    const rare = Array.from({ length: 300 }, (_, n) =>
      snapshot({
        id: `rare${n}`,
        createdAt: -1 - n,
        tags: { team: 'rare', env: 'a' },
        name: 'rare',
      }),
    );
    await checkpoints.write([...many, ...rare], [], []);
    await watcher.query('ANALYZE TABLE actor, tag');

    const few: readonly Search[] = [
      { tags: { team: 'rare', env: 'a' }, states: ['failed', 'running'] },
      { tags: { env: 'a' }, idPrefix: 'rare' },
      { tags: { env: 'a' }, names: ['rare'], states: ['running'] },
      { idPrefix: 'rare', states: ['running'] },
      { idPrefix: 'rare' },
      { tags: { env: 'a' }, states: ['running'], createdBefore: 0 },
    ];
    for (const [searches, most] of [
      [few, 2_000],
      [combinations, 9_000],
    ] as const) {
      for (const search of searches) {
        const before = await entriesRead(watcher);
        await workflows.page(search, { limit: 20 });
        const read = (await entriesRead(watcher)) - before;
        expect(read, JSON.stringify(search)).to.be.lessThan(most);
      }
    }
    for (const search of few) {
      const before = await entriesRead(watcher);
      expect(await workflows.count(search)).to.equal(300);
      expect((await entriesRead(watcher)) - before, JSON.stringify(search)).to.be.lessThan(2_000);
    }
  });
});

const combinations: readonly Search[] = [
  {},
  { states: ['failed'] },
  { states: ['pending', 'running', 'failed'] },
  { names: ['order'] },
  { names: ['order'], states: ['failed'] },
  { names: ['order', 'report'], states: ['failed', 'completed'] },
  { idPrefix: 'a_' },
  { idPrefix: 'a_b', states: ['failed'] },
  { idPrefix: 'a_b', names: ['order'] },
  { createdAfter: 10, createdBefore: 60 },
  { createdAfter: 10, states: ['failed'] },
  { createdAfter: 10, names: ['order'], states: ['failed', 'running'] },
  { tags: { team: 'a' } },
  { tags: { team: 'a', env: 'b' } },
  { tags: { team: 'a' }, states: ['failed'] },
  { tags: { team: 'a' }, names: ['order'] },
  { tags: { team: 'a', env: 'b' }, names: ['order'], states: ['failed'], idPrefix: 'a_' },
  { tags: { team: 'a' }, idPrefix: 'a_', createdBefore: 60 },
];

const searches: fc.Arbitrary<Search> = fc.record(
  {
    states: fc.subarray(states, { minLength: 0 }),
    names: fc.subarray([...names, 'nobody'], { minLength: 1 }),
    idPrefix: fc.constantFrom(...prefixes, '', '%', '\\'),
    tags: fc.dictionary(fc.constantFrom(...tagNames), fc.constantFrom(...tagValues)),
    createdAfter: fc.integer({ min: 0, max: 100 }),
    createdBefore: fc.integer({ min: 0, max: 100 }),
  },
  { requiredKeys: [] },
);

/** The same for the same number, and of every kind. */
function arbitrarySnapshot(n: number): Snapshot {
  const pick = <T>(from: readonly T[], by: number): T | undefined =>
    from[((n * 2_654_435_761) >>> by) % from.length];
  const state = pick(states, 3) ?? '';
  const tags = Object.fromEntries(
    tagNames.flatMap((tag, index) => {
      const value = pick([...tagValues, undefined], 5 + index * 4);
      return value === undefined ? [] : [[tag, value]];
    }),
  );
  return snapshot({
    shard: n % 8,
    id: `${pick(prefixes, 7)}${n}`,
    name: pick(names, 11) ?? '',
    state,
    open: state === 'pending' || state === 'running',
    // Many of one time, which the order of ids then decides about.
    createdAt: Math.floor(n / 4) % 100,
    tags,
  });
}

function inMemory(all: readonly Snapshot[], search: Search): readonly string[] {
  const { tags = {}, createdAfter = -Infinity, createdBefore = Infinity, idPrefix = '' } = search;
  return all
    .filter(
      (one) =>
        search.states?.includes(one.state) !== false &&
        search.names?.includes(one.name) !== false &&
        one.id.startsWith(idPrefix) &&
        Object.entries(tags).every(([tag, value]) => one.tags?.[tag] === value) &&
        one.createdAt >= createdAfter &&
        one.createdAt < createdBefore,
    )
    .toSorted(order)
    .map(({ id }) => id);
}

function order(a: Snapshot, b: Snapshot): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

async function pages(
  workflows: WorkflowsQuery,
  search: Search,
  limit: number,
): Promise<readonly string[]> {
  const ids: string[] = [];
  let after: Page['after'];
  for (;;) {
    const { snapshots, next } = await workflows.page(search, { limit, ...(after && { after }) });
    ids.push(...snapshots.map(({ id }) => id));
    if (next === null) return ids;
    after = next;
  }
}

interface Explained {
  readonly table: string | null;
  readonly key: string | null;
  readonly extra: string;
}

/** What the server does with real tables to answer. */
async function explained(
  connection: Connection,
  sql: string,
  values: readonly unknown[],
): Promise<readonly Explained[]> {
  const [rows] = await connection.query<RowDataPacket[]>(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, [
    ...values,
  ]);
  return rows
    .filter((row) => /^(?:a|t|o\d)$/.test(String(row['table'])))
    .map((row) => ({ table: row['table'], key: row['key'], extra: String(row['Extra']) }));
}

async function entriesRead(watcher: Connection): Promise<number> {
  const [rows] = await watcher.query<RowDataPacket[]>(
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_read_key', 'Handler_read_next', 'Handler_read_prev')",
  );
  return rows.reduce((sum, row) => sum + Number(row['Value']), 0);
}
