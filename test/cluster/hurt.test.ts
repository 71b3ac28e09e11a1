import { expect } from 'chai';

import { startCluster, type TestCluster } from '../support/cluster.ts';

const modules = [new URL('../support/modules/hurtful.ts', import.meta.url).href];

describe('a handler that hurts', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({ modules, threads: 2, cancelGraceMs: 300, threadMemoryMb: 64 });
  });
  after(async () => await cluster[Symbol.asyncDispose]());

  for (const [name, kind] of [
    ['exits', 'crashed'],
    ['eats_memory', 'crashed'],
    ['is_not_json', 'invalid'],
    ['is_too_large', 'too-large'],
    ['throws', 'error'],
    ['blocks', 'timeout'],
  ] as const) {
    it(`${name}: hurts that attempt alone, with an error that says which`, async () => {
      const { api } = cluster;
      const seen = new Promise<string>((resolve) => {
        api.live.watchWorkflow(`hurt-${name}`, ({ tasks }) => {
          const failure = tasks[0]?.failure;
          if (failure !== undefined) resolve(failure.kind);
        });
      });
      const others = Array.from({ length: 20 }, async () => {
        const { id } = await api.start({ name: 'innocent', input: {} });
        return await api.result(id, 20_000);
      });
      const id = `hurt-${name}`;
      await api.start({ name, id, input: {} });

      const { workflow, tasks } = await api.result(id, 30_000);
      const ends = await Promise.all(others);

      const retryable = kind !== 'invalid' && kind !== 'too-large';
      expect(await seen).to.equal(kind);
      expect(workflow.state).to.equal(retryable ? 'completed' : workflow.state);
      expect(tasks[0]?.attempt).to.equal(workflow.state === 'completed' ? 2 : 1);
      expect(new Set(ends.map((end) => end.workflow.state))).to.deep.equal(new Set(['completed']));
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
