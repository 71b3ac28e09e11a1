import { expect } from 'chai';

import type { Failure } from '#actors/failure.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';

const modules = [new URL('../support/modules/hurtful.ts', import.meta.url).href];

describe('a handler that hurts', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({ modules, threads: 2, cancelGraceMs: 300, threadMemoryMb: 64 });
  });
  after(async () => await cluster[Symbol.asyncDispose]());

  for (const { name, kind, says, ...end } of [
    {
      name: 'exits',
      kind: 'crashed',
      says: /process\.exit\(3\) was called/,
      state: 'completed',
      attempts: 2,
    },
    {
      name: 'eats_memory',
      kind: 'crashed',
      says: /ran out of memory/,
      state: 'completed',
      attempts: 2,
    },
    {
      name: 'is_not_json',
      kind: 'invalid',
      says: /is not JSON: 'big'/,
      state: 'failed',
      attempts: 1,
    },
    {
      name: 'is_too_large',
      kind: 'too-large',
      says: /2097164 bytes, more th/,
      state: 'failed',
      attempts: 1,
    },
    { name: 'throws', kind: 'error', says: /^on purpose$/, state: 'completed', attempts: 2 },
    {
      name: 'never_returns',
      kind: 'timeout',
      says: /^hurt did not end within 300 ms$/,
      state: 'completed',
      attempts: 2,
    },
    {
      name: 'blocks',
      kind: 'timeout',
      says: /^block did not end within 300 ms$/,
      state: 'completed',
      attempts: 2,
    },
  ]) {
    it(`${name}: hurts that attempt alone, with an error that says which`, async () => {
      const { api } = cluster;
      const id = `hurt-${name}`;
      const seen = new Promise<Failure>((resolve) => {
        api.live.watchWorkflow(id, ({ tasks }) => {
          const failure = tasks[0]?.failure;
          if (failure !== undefined) resolve(failure);
        });
      });
      const others = Array.from({ length: 20 }, async () => {
        const other = await api.start({ name: 'innocent', input: {} });
        return await api.result(other.id, 20_000);
      });
      await api.start({ name, id, input: {} });

      const { workflow, tasks } = await api.result(id, 30_000);
      const ends = await Promise.all(others);

      const failure = await seen;
      expect(failure.kind).to.equal(kind);
      expect(failure.message).to.match(says);
      expect(workflow.state).to.equal(end.state);
      expect(tasks[0]).to.include({ state: end.state, attempt: end.attempts });
      expect(workflow.failure?.kind).to.equal(end.state === 'failed' ? kind : undefined);
      for (const mate of ends) {
        expect(mate.workflow.state).to.equal('completed');
        expect(mate.tasks[0]?.attempt).to.equal(1);
      }
    });
  }

  it('is canceled at once, and its thread is terminated after the grace period', async () => {
    const { api, nodes } = cluster;
    const [node] = nodes;
    const started = node?.notices.next('task.started');
    const { id } = await api.start({ name: 'deaf', input: {} });
    await started;
    const ended = node?.notices.next('task.ended', ({ key }) => key.startsWith(id));

    await api.cancel(id);

    const { workflow, tasks } = await api.workflow(id);
    expect(workflow.state).to.equal('canceled');
    expect(tasks.map(({ state }) => state)).to.deep.equal(['canceled', 'canceled']);
    expect(await ended).to.include({ status: 'failed' });
    expect(node?.load().running).to.equal(0);
    expect((await api.workflow(id)).workflow.state).to.equal('canceled');
  });
});
