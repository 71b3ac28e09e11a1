import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { ActorEvent } from '#actors/actor.ts';
import { shardOf } from '#actors/ids.ts';
import { Node } from '#cluster/node.ts';
import type { NodeOptions } from '#cluster/node.ts';

import { checkCompletedOnce, checkJournal, storedHistory } from '../support/checker.ts';
import { Load } from '../support/load.ts';
import { NodeProcess } from '../support/node-process.ts';
import { freshDatabase, freshPrefix, sharedServers } from '../support/servers.ts';
import { until } from '../support/until.ts';

const modules = [new URL('../support/modules/probe.ts', import.meta.url).href];
const workerModules = [new URL('../support/modules/remote.ts', import.meta.url).href];

/** Node processes on servers of the test, and a client of them that owns nothing. */
class Processes implements AsyncDisposable {
  readonly options: Pick<NodeOptions, 'redis' | 'redisPrefix' | 'mysql' | 'shards'>;
  readonly directory: string;
  readonly nodes: NodeProcess[] = [];
  #client: Node | null = null;

  static async start(names: readonly string[]): Promise<Processes> {
    const servers = await sharedServers();
    const processes = new Processes(
      {
        redis: servers.redis,
        mysql: await freshDatabase(servers),
        redisPrefix: freshPrefix(),
        shards: 16,
      },
      await mkdtemp(join(tmpdir(), 'temjob-faults-')),
    );
    try {
      // The first one alone makes the schema.
      const [first, ...others] = names;
      if (first !== undefined) await processes.join(first);
      await Promise.all(others.map(async (name) => await processes.join(name)));
      await processes.client();
    } catch (error) {
      await processes[Symbol.asyncDispose]();
      throw error;
    }
    return processes;
  }

  private constructor(options: Processes['options'], directory: string) {
    this.options = options;
    this.directory = directory;
  }

  async join(name: string, options: Partial<NodeOptions> = {}): Promise<NodeProcess> {
    const node = await NodeProcess.start({
      name,
      modules,
      threads: 1,
      drainGraceMs: 5_000,
      ...this.options,
      ...options,
    });
    this.nodes.push(node);
    return node;
  }

  async client(): Promise<Node> {
    this.#client ??= await Node.start({
      name: 'client',
      engine: false,
      worker: false,
      modules,
      ...this.options,
    });
    return this.#client;
  }

  get log(): string {
    return join(this.directory, 'executions');
  }

  executions(): readonly string[] {
    return readFileSync(this.log, 'utf8').trim().split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => await node.kill()));
    await this.#client?.stop({ graceMs: 0 });
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Every acknowledged workflow ends, and was applied once. */
async function allCompleteOnce(processes: Processes, load: Load): Promise<void> {
  const { api } = await processes.client();
  const ends = await Promise.all(load.acknowledged.map(async (id) => await api.result(id, 30_000)));
  for (const { workflow } of ends) expect(workflow.state, workflow.id).to.equal('completed');
  const committed = await checkJournal(processes.options.mysql);
  checkCompletedOnce(committed, load.acknowledged, 3);
  for (const id of load.acknowledged) {
    const { events } = await api.events(id, { after: 0, limit: 1_000 });
    const told = events.map(({ seq, ...event }, index) => {
      expect(seq).to.equal(index + 1);
      return event;
    });
    expect(told, `what is told of ${id}`).to.deep.equal(committed.events.get(id));
  }
  const executed = processes.executions();
  for (const id of load.acknowledged) {
    for (const step of ['one', 'two', 'three']) {
      expect(executed, `${id} ${step}`).to.satisfy((lines: string[]) =>
        lines.some((line) => line.startsWith(`${id} ${step} `)),
      );
    }
  }
}

function idsOfEveryShard(shards: number): readonly string[] {
  const ids = new Map<number, string>();
  for (let n = 0; ids.size < shards; n += 1) ids.set(shardOf(`relay-${n}`, shards), `relay-${n}`);
  return [...ids.values()];
}

function hasEnded(events: readonly ActorEvent[], by: number): boolean {
  return events.some(({ type, at }) => type === 'workflow.completed' && at <= by);
}

/** When, after this moment, another node first began or ended a task of it; a task that it ended it has run. */
function goneOnAt(
  events: readonly ActorEvent[],
  after: number,
  victim: string,
): number | undefined {
  return events.find(
    (event) =>
      (event.type === 'task.started' || event.type === 'task.completed') &&
      event.at > after &&
      event.node !== victim,
  )?.at;
}

describe('a node process', function () {
  this.timeout(90_000);

  it('that is killed under load leaves its workflows to others, who go on within 6 s and apply each step once', async () => {
    await using processes = await Processes.start(['a', 'b', 'c']);
    const { api } = await processes.client();
    const [victim, ...survivors] = processes.nodes;
    if (victim === undefined) throw new Error('no node');
    const startedByVictim = new Set<string>();
    victim.on('started', ({ key }) => startedByVictim.add(key.slice(0, key.indexOf('.'))));
    // Long enough that the victim has some under way at any moment.
    const load = new Load(api, { name: 'relay', input: { log: processes.log, ms: 100 } });
    await load.reached(60);

    const killedAt = Date.now();
    const killed = victim.kill();
    const takenOver = Promise.race(
      survivors.map(
        async (node) => await node.next('claimed', ({ from }) => from.includes(victim.id)),
      ),
    );
    await killed;
    const goneAt = Date.now();
    await takenOver;
    await load.reached(load.acknowledged.length + 40);
    await load.stop();

    await allCompleteOnce(processes, load);
    const { events } = await checkJournal(processes.options.mysql);
    const left = [...startedByVictim].filter((id) => !hasEnded(events.get(id) ?? [], goneAt));
    expect(left, 'what the victim was running').not.to.deep.equal([]);
    for (const id of left) {
      const onMs = (goneOnAt(events.get(id) ?? [], goneAt, victim.id) ?? Infinity) - killedAt;
      expect(onMs, `${id} goes on elsewhere`).to.be.below(6_000);
    }
    const [first = ''] = load.acknowledged;
    const committed = events.get(first) ?? [];
    expect(await storedHistory(processes.options.mysql, first)).to.deep.equal(
      committed.map((_, index) => index + 1),
    );
  });

  it('that is frozen for 8 s and goes on is fenced, and nothing is applied twice', async () => {
    await using processes = await Processes.start(['a', 'b']);
    const { api } = await processes.client();
    const [victim, other] = processes.nodes;
    if (victim === undefined || other === undefined) throw new Error('no node');
    const load = new Load(api, { name: 'relay', input: { log: processes.log, ms: 30 } });
    await load.reached(30);

    const takenOver = other.next('claimed', ({ from }) => from.includes(victim.id));
    const fenced = victim.next('fenced');
    victim.signal('SIGSTOP');
    await Promise.all([takenOver, sleep(8_000)]);
    victim.signal('SIGCONT');
    await fenced;
    await load.reached(load.acknowledged.length + 30);
    await load.stop();

    await allCompleteOnce(processes, load);
  });

  it('that is frozen while it has nothing to do gets shards back, and each shard is served', async () => {
    await using processes = await Processes.start(['a', 'b']);
    const { api } = await processes.client();
    const [victim, other] = processes.nodes;
    if (victim === undefined || other === undefined) throw new Error('no node');
    const owners = async (): Promise<string> => {
      const names = new Set((await api.shardOwners()).map((name) => name ?? 'nobody'));
      return [...names].toSorted().join();
    };
    await until(async () => (await owners()) === 'a,b');

    const takenOver = other.next('claimed', ({ from }) => from.includes(victim.id));
    victim.signal('SIGSTOP');
    await takenOver;
    await until(async () => (await owners()) === 'b');
    victim.signal('SIGCONT');
    await until(async () => (await owners()) === 'a,b');

    const input = { log: processes.log, ms: 1 };
    const ends = idsOfEveryShard(processes.options.shards ?? 0).map(async (id) => {
      await api.start({ name: 'relay', id, input });
      return (await api.result(id, 20_000)).workflow.state;
    });
    expect(new Set(await Promise.all(ends))).to.deep.equal(new Set(['completed']));
  });

  it('resumes everything after all nodes were killed at once', async () => {
    await using processes = await Processes.start(['a', 'b', 'c']);
    const { api } = await processes.client();
    const load = new Load(api, { name: 'relay', input: { log: processes.log, ms: 50 } });
    await load.reached(40);

    await Promise.all(processes.nodes.map(async (node) => await node.kill()));
    await Promise.all(['a', 'b', 'c'].map(async (name) => await processes.join(name)));
    await load.reached(load.acknowledged.length + 10);
    await load.stop();

    await allCompleteOnce(processes, load);
  });

  it('goes on with failed workflows that were retried a moment before it was killed', async () => {
    await using processes = await Processes.start(['a']);
    const { api } = await processes.client();
    const ids = Array.from({ length: 12 }, (_, index) => `bridge-${index}`);
    const input = { log: processes.log };
    await Promise.all(ids.map(async (id) => await api.start({ name: 'bridge', id, input })));
    const failed = await Promise.all(ids.map(async (id) => await api.result(id, 20_000)));
    writeFileSync(`${processes.log}.mended`, '');

    await Promise.all(ids.map(async (id) => await api.retry(id)));
    await processes.nodes[0]?.kill();
    await processes.join('a');
    writeFileSync(`${processes.log}.open`, '');
    const ends = await Promise.all(ids.map(async (id) => await api.result(id, 20_000)));

    expect(failed.map(({ workflow }) => workflow.state)).to.deep.equal(ids.map(() => 'failed'));
    for (const { workflow, tasks } of ends) {
      expect(workflow.output, workflow.id).to.include({ packed: true, drove: 2 });
      expect(tasks.map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
    }
    const packed = processes.executions().filter((line) => line.includes(' pack '));
    expect(packed.toSorted()).to.deep.equal(ids.map((id) => `${id} pack 1`).toSorted());
    const { events } = await checkJournal(processes.options.mysql);
    for (const id of ids) {
      const types = (events.get(id) ?? []).map(({ type }) => type);
      expect(types.filter((type) => type === 'workflow.retried')).to.have.lengthOf(1);
      expect(types.at(-1)).to.equal('workflow.completed');
    }
  });

  it('keeps signals that it acknowledged a moment before it was killed, those that came early too', async () => {
    await using processes = await Processes.start(['a', 'b']);
    const { api } = await processes.client();
    const ids = Array.from({ length: 12 }, (_, index) => `gates-${index}`);
    const input = { log: processes.log };
    await Promise.all(ids.map(async (id) => await api.start({ name: 'gates', id, input })));

    await Promise.all(
      ids.map(async (workflowId, by) => {
        const requestId = `second-of-${workflowId}`;
        await api.signal({ workflowId, signal: 'second', payload: { by }, requestId });
      }),
    );
    await processes.nodes[0]?.kill();
    await Promise.all(
      ids.map(async (workflowId, by) => {
        const requestId = `second-of-${workflowId}`;
        // A client that has not heard the answer sends it again.
        await api.signal({ workflowId, signal: 'second', payload: { by }, requestId });
        await api.signal({ workflowId, signal: 'first', payload: { opened: true } });
      }),
    );
    const ends = await Promise.all(ids.map(async (id) => await api.result(id, 20_000)));

    for (const [by, { workflow, tasks }] of ends.entries()) {
      expect(workflow.output, workflow.id).to.include({ opened: true, by });
      expect(tasks.map(({ state }) => state)).to.deep.equal(tasks.map(() => 'completed'));
    }
    const { events } = await checkJournal(processes.options.mysql);
    for (const id of ids) {
      const types = (events.get(id) ?? []).map(({ type }) => type);
      expect(types.filter((type) => type === 'task.signaled')).to.have.lengthOf(2);
      expect(types.filter((type) => type === 'task.waiting')).to.have.lengthOf(2);
    }
  });

  it('is killed by its name in development mode, as a fault would kill it, and not when it is not in that mode', async () => {
    await using processes = await Processes.start([]);
    const victim = await processes.join('victim', { dev: true });
    await processes.join('safe');
    await using asker = await Node.start({
      name: 'asker',
      dev: true,
      modules,
      ...processes.options,
    });

    const refused = await asker.api.kill('safe').catch((error: unknown) => error);
    await asker.api.kill('victim');

    expect(refused).to.include({ code: 'NOT_FOUND' });
    expect(await victim.ended(), 'by a signal').to.equal(null);
    expect((await asker.api.cluster()).nodes.map(({ name }) => name)).to.include('safe');
  });

  it('that is told to end hands over, ends with 0, and fails no start, one after the other under load', async () => {
    await using processes = await Processes.start(['a', 'b', 'c']);
    const { api } = await processes.client();
    const load = new Load(api, { name: 'relay', input: { log: processes.log, ms: 30 } });
    await load.reached(20);

    for (const name of ['a', 'b', 'c']) {
      const node = processes.nodes.shift();
      node?.signal('SIGTERM');
      expect(await node?.ended(), `exit of ${name}`).to.equal(0);
      await processes.join(name);
      await load.reached(load.acknowledged.length + 20);
    }
    await load.stop();

    expect(load.refusals.map(String)).to.deep.equal([]);
    await allCompleteOnce(processes, load);
  });

  it('F1.4 that is killed in the middle of a task leaves it to another worker within 8 s, and the workflow completes', async () => {
    await using processes = await Processes.start(['owner']);
    const { api } = await processes.client();
    const worker = await processes.join('worker', { engine: false, modules: workerModules });
    const begun = worker.next('started');
    const { id } = await api.start({ name: 'errand', input: { log: processes.log, ms: 60_000 } });
    await begun;
    // The handler has begun, and writes down that it runs a moment later.
    await until(async () => processes.executions().length === 1);
    await processes.join('spare', { engine: false, modules: workerModules });

    const killedAt = performance.now();
    await worker.kill();
    await until(async () => processes.executions().length === 2);

    expect(performance.now() - killedAt).to.be.below(8_000);
    expect(processes.executions()[1]).to.equal(`${id} remote 1 spare`);
    expect((await api.result(id, 20_000)).workflow.state).to.equal('completed');
  });

  it('F1.14 that is killed while a retry waits has it made by another node, when it is due', async () => {
    await using processes = await Processes.start(['a', 'b']);
    const { api } = await processes.client();
    const ids = Array.from({ length: 8 }, (_, index) => `retry-${index}`);
    await Promise.all(
      ids.map(async (id) => {
        return await api.start({ name: 'second_try', id, input: { log: processes.log } });
      }),
    );
    await until(async () => {
      const states = await Promise.all(ids.map(async (id) => (await api.workflow(id)).tasks[0]));
      return states.every((task) => task?.state === 'retrying');
    });

    const [victim] = processes.nodes;
    await victim?.kill();
    const ends = await Promise.all(ids.map(async (id) => await api.result(id, 20_000)));

    for (const { workflow } of ends) expect(workflow.state, workflow.id).to.equal('completed');
    const lines = processes.executions();
    expect(lines.filter((line) => line.includes('try 2'))).to.have.lengthOf(ids.length);
  });
});
