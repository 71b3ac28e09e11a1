import { expect } from 'chai';

import type { Why } from '#actors/why.ts';
import type { ClusterApi, WorkflowChange } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';

let door = gate();

const holds = workflow('holds')
  .task('hold', { run: async () => await door.pass() })
  .build();

const fails = workflow('fails')
  .task('try', {
    retry: { maxAttempts: 5, initialInterval: '1h', maxInterval: '1h', jitter: 0 },
    run: () => {
      throw new Error('the bank is closed');
    },
  })
  .build();

const orphaned = workflow('orphaned').task('mail', { uses: 'offered_by_nobody' }).build();

const silent = workflow('silent')
  .task('think', {
    retry: { maxAttempts: 100, initialInterval: '10ms', jitter: 0, backoffCoefficient: 1 },
    timeouts: { heartbeat: '1s' },
    run: async (_input, { signal }) =>
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to stop')));
      }),
  })
  .build();

describe('why a workflow of a cluster is where it is', function () {
  this.timeout(40_000);
  let cluster: TestCluster;
  let asked: readonly ClusterApi[];

  before(async () => {
    cluster = await startCluster({
      definitions: [holds, fails, orphaned, silent],
      concurrency: 2,
      cancelGraceMs: 200,
    });
    // One that owns it, and one that has to ask.
    const client = await cluster.join({ engine: false, worker: false, definitions: [] });
    asked = [cluster.api, client.api];
  });

  beforeEach(() => {
    door = gate();
  });

  afterEach(() => door.open());

  after(async () => await cluster[Symbol.asyncDispose]());

  async function started(name: string): Promise<string> {
    return (await cluster.api.start({ name, input: {} })).id;
  }

  /** Asks all until they say so. */
  async function says(id: string, code: Why['code']): Promise<Why> {
    for (;;) {
      const whys = await Promise.all(
        asked.map(async (api) => (await api.workflow(id)).workflow.why),
      );
      const [why] = whys;
      if (why !== undefined && whys.every((one) => one?.code === code)) return why;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('names the node that runs it, and nothing once it has ended', async () => {
    const id = await started('holds');
    const why = await says(id, 'RUNNING');
    door.open();
    const { workflow: ended } = await cluster.api.result(id, 10_000);

    expect(why).to.deep.include({ step: 'hold' });
    expect(why.params).to.include({ node: 'a', attempt: 1 });
    expect(ended).not.to.have.property('why');
  });

  it('says what went wrong and when it is tried again', async () => {
    const why = await says(await started('fails'), 'WAITING_FOR_RETRY');

    expect(why.params).to.deep.equal({ attempt: 1, max: 5, error: 'the bank is closed' });
    expect(Date.parse(why.until ?? '') - Date.now()).to.be.within(3_500_000, 3_600_000);
  });

  it('says when no node offers the code, until one does', async () => {
    const id = await started('orphaned');
    const why = await says(id, 'NO_NODE_OFFERS_TYPE');
    await cluster.nodes[0]?.add({
      kind: 'task',
      type: 'offered_by_nobody',
      run: async () => await door.pass(),
      options: {},
    });
    const running = await says(id, 'RUNNING');

    expect(why).to.deep.equal({
      code: 'NO_NODE_OFFERS_TYPE',
      step: 'mail',
      params: { type: 'offered_by_nobody' },
    });
    expect(running.step).to.equal('mail');
  });

  it('says when all places are taken', async () => {
    const hogs = await Promise.all([started('holds'), started('holds')]);
    await Promise.all(hogs.map(async (id) => await says(id, 'RUNNING')));
    const id = await started('holds');

    const why = await says(id, 'WAITING_FOR_CAPACITY');

    expect(why).to.include({ step: 'hold' });
    expect(why.params).to.include({ type: 'holds/hold' });
  });

  it('says when a handler that promised heartbeats is silent', async () => {
    const id = await started('silent');
    const why = await says(id, 'RUNNING_SILENT');
    await cluster.api.cancel(id);

    expect(why.params).to.include({ node: 'a' });
    expect(why.until).to.be.a('string');
  });

  it('is told with each change of a watched workflow', async () => {
    const id = 'watched';
    const running = new Promise<WorkflowChange>((resolve) => {
      asked[1]?.live.watchWorkflow(id, (change) => {
        if (change.tasks.some(({ state }) => state === 'running')) resolve(change);
      });
    });
    await cluster.api.start({ name: 'holds', id, input: {} });

    expect((await running).workflow.why).to.include({ code: 'RUNNING', step: 'hold' });
  });

  it('says when nobody decides for it', async () => {
    const id = await started('fails');
    await says(id, 'WAITING_FOR_RETRY');
    await cluster.nodes[0]?.stop({ graceMs: 0 });
    asked = asked.slice(1);

    const why = await says(id, 'WAITING_FOR_OWNER');

    expect(why.params['shard']).to.be.a('number');
  });
});
