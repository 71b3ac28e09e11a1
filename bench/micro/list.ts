import { createConnection } from 'mysql2/promise';

import { shardOf } from '#actors/ids.ts';
import { planOf } from '#actors/plan.ts';
import { evolveWorkflow, type WorkflowState } from '#actors/workflow-state.ts';
import type { ListFilter, TaskFilter, WorkflowFilter } from '#cluster/api.ts';
import { cursorOf } from '#cluster/cursor.ts';
import { DefinitionCache } from '#cluster/definition-cache.ts';
import type { Snapshot } from '#cluster/mysql/snapshots.ts';
import { Store } from '#cluster/mysql/store.ts';
import { askedFor, Queries } from '#cluster/queries.ts';
import { workflow } from '#sdk/index.ts';

import { BenchServers } from '../servers.ts';

/*
 * How fast lists, counts and searches for tasks are over many workflows: `node bench/micro/list.ts [workflows] [url]`,
 * 100,000 unless told otherwise, on a private server unless the URL of an empty database is given. The workflows are written by
 * the checkpointer's own statement: five tasks each, about 3 kB of state.
 */
const count = Number(process.argv[2] ?? 100_000);
const givenUrl = process.argv[3];
const shards = 256;
const batch = 2_000;
const rounds = 60;
const created = Date.UTC(2026, 0, 1);
const apartMs = 250;

const names = ['flow-0', 'flow-1', 'flow-2', 'flow-3', 'flow-rare'];
const graphs = names.map((name) => {
  const steps = ['a', 'b', 'c', 'd', 'e'];
  return steps
    .reduce((flow, step) => flow.task(step, { uses: `${name}-${step}` }), workflow(name))
    .build().graph;
});
const input = { order: 7, note: 'x'.repeat(400) };

await using servers = givenUrl === undefined ? await BenchServers.start() : null;
const url = givenUrl ?? (await servers?.renew()) ?? '';
await using store = await opened(url);
const queries = new Queries(store, new DefinitionCache(store.definitions));
await fill();

console.log(`\n${count} workflows, ${rounds} rounds each, in ms\n`);
console.log('| what | p50 | p95 | rows |\n| --- | --: | --: | --: |');
const place = (n: number) => ({ createdAt: created + n * apartMs, id: idOf(n) });
const cursorIn = (filter: WorkflowFilter, n: number): string =>
  cursorOf(askedFor(filter), [place(n).createdAt, place(n).id]);
const hour = {
  createdAfter: place(count / 2).createdAt,
  createdBefore: place(count / 2).createdAt + 3_600_000,
};

const filters: Readonly<Record<string, WorkflowFilter>> = {
  'no filter': {},
  'state failed': { states: ['failed'] },
  'state pending, running or failed': { states: ['pending', 'running', 'failed'] },
  'a name of a quarter': { name: 'flow-0' },
  'a name of a thousandth': { name: 'flow-rare' },
  'a name and a state': { name: 'flow-1', states: ['failed'] },
  'a name and three states': { name: 'flow-1', states: ['failed', 'running', 'canceled'] },
  'an id': { idPrefix: idOf(Math.floor(count / 3)) },
  'a prefix of half': { idPrefix: 'order-' },
  'a prefix of a hundredth': { idPrefix: 'order-12' },
  'a prefix of half and a state': { idPrefix: 'order-', states: ['failed'] },
  'an hour of the middle': hour,
  'an hour and a state': { ...hour, states: ['failed'] },
  'a tag of a third': { tags: { env: 'prod' } },
  'a tag of a thousandth': { tags: { customer: '7' } },
  'both tags': { tags: { env: 'prod', customer: '7' } },
  'a tag of a third and a state': { tags: { env: 'prod' }, states: ['failed'] },
  'a tag, a name, a state, a prefix': {
    tags: { env: 'prod' },
    name: 'flow-1',
    states: ['failed'],
    idPrefix: 'order-',
  },
  'a tag and a state that never meet': { tags: { env: 'prod' }, states: ['canceled'] },
  'two tags of a third that never meet': { tags: { env: 'prod', zone: 'b' } },
};
for (const [what, filter] of Object.entries(filters)) {
  await measure(what, async () => (await queries.list({ ...filter, limit: 20 })).rows.length);
}
for (const what of ['no filter', 'state failed', 'a tag of a third', 'a name of a quarter']) {
  const filter = filters[what] ?? {};
  await measure(`${what}, from a cursor in the middle`, async (round) => {
    const page: ListFilter = { ...filter, limit: 20, cursor: cursorIn(filter, count / 2 + round) };
    return (await queries.list(page)).rows.length;
  });
}
await measure('no filter, 200 rows', async () => (await queries.list({ limit: 200 })).rows.length);
await measure('no filter, offset 10,000', async () => {
  return (await queries.list({ limit: 20, offset: 10_000 })).rows.length;
});
for (const [what, filter] of Object.entries(filters)) {
  await measure(`count: ${what}`, async () => await queries.count(filter));
}
await measure('stats', async () => {
  return Object.values(await store.workflows.stats()).reduce((sum, some) => sum + some, 0);
});
const tasks: Readonly<Record<string, Omit<TaskFilter, 'limit'>>> = {
  running: { states: ['running'] },
  'of a type': { type: 'flow-3-e' },
  'failed, of a type': { type: 'flow-3-e', states: ['failed'] },
  'of a node that has none': { node: 'nobody' },
};
for (const [what, filter] of Object.entries(tasks)) {
  await measure(
    `tasks: ${what}`,
    async () => (await queries.tasks({ ...filter, limit: 20 })).tasks.length,
  );
}

async function measure(what: string, run: (round: number) => Promise<number>): Promise<void> {
  const times: number[] = [];
  let rows = await run(0);
  for (let round = 0; round < rounds; round += 1) {
    const before = performance.now();
    rows = await run(round);
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(1);
  console.log(`| ${what} | ${at(0.5)} | ${at(0.95)} | ${rows} |`);
}

async function opened(address: string): Promise<Store & AsyncDisposable> {
  const made = await Store.open(address, { shards });
  await made.migrate();
  return Object.assign(made, { [Symbol.asyncDispose]: async () => await made.close() });
}

async function fill(): Promise<void> {
  const connection = await createConnection(url);
  // What a machine of its own for MySQL has; the private server of development has 64 MiB.
  await connection.query('SET GLOBAL innodb_buffer_pool_size = 2147483648');
  await store.definitions.put(graphs);
  const before = performance.now();
  for (let from = 0; from < count; from += batch) {
    const some = Array.from({ length: Math.min(batch, count - from) }, (_, n) =>
      snapshotOf(from + n),
    );
    await store.checkpoints.write(some, [], []);
  }
  const seconds = (performance.now() - before) / 1_000;
  console.log(`wrote ${(count / seconds).toFixed(0)} workflows/s`);
  await connection.query('ANALYZE TABLE actor, tag');
  await connection.end();
}

/** Numbers that look random, and are the same each time. */
function hash(n: number): number {
  return Math.imul(n ^ (n >>> 15), 0x2c1b3c6d) >>> 0;
}

function idOf(n: number): string {
  return hash(n) % 2 === 0
    ? `order-${n}`
    : `01929${hash(n * 7)
        .toString(16)
        .padStart(8, '0')}-${n}`;
}

function snapshotOf(n: number): Snapshot {
  const dice = hash(n + 13) % 1_000;
  const state =
    dice < 920 ? 'completed' : dice < 970 ? 'failed' : dice < 990 ? 'canceled' : 'running';
  const open = state === 'running';
  const id = idOf(n);
  const name = hash(n + 5) % 1_000 === 0 ? 'flow-rare' : (names[hash(n + 3) % 4] ?? '');
  const createdAt = created + n * apartMs;
  const tags = tagsOf(n, state);
  const endedAt = open ? null : createdAt + 900;
  const graph = graphs[names.indexOf(name)];
  if (graph === undefined) throw new Error(`there is no ${name}`);
  const plan = planOf(graph);
  const accepted = {
    type: 'workflow.accepted',
    at: createdAt,
    name,
    version: graph.version,
  } as const;
  const begun = evolveWorkflow(
    null,
    { ...accepted, input, tags, timeoutAt: null, by: id },
    plan,
    id,
  );
  const lasts = state === 'failed' || open ? state : 'completed';
  const data: WorkflowState = {
    ...begun,
    status: state,
    startedAt: createdAt,
    endedAt,
    tasks: begun.tasks.map((task, step) => ({
      ...task,
      status: step === 4 ? lasts : 'completed',
      attempt: 1,
      node: `n${n % 3}~abcdef`,
      output: { step, text: 'y'.repeat(100) },
      startedAt: createdAt,
      endedAt: step === 4 && open ? null : createdAt + 100,
    })),
  };
  return {
    shard: shardOf(id, shards),
    id,
    kind: 'workflow',
    name,
    version: graph.version,
    state,
    seq: 12,
    open,
    dueAt: open ? createdAt + 60_000 : null,
    data: JSON.stringify(data),
    failure: state === 'failed' ? 'it went wrong' : null,
    createdAt,
    startedAt: createdAt,
    endedAt,
    tags,
  };
}

function tagsOf(n: number, state: string): Record<string, string> {
  const tagged = hash(n + 1) % 3;
  if (tagged === 0) return { zone: 'b' };
  if (tagged === 1) return {};
  return {
    customer: String(hash(n + 2) % 1_000),
    ...(state === 'canceled' ? {} : { env: 'prod' }),
  };
}
