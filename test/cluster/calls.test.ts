import { expect } from 'chai';
import { z } from 'zod';

import { task, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { refusal } from '../support/rejection.ts';
import { until } from '../support/until.ts';

const held = gate();

const greet = workflow('greet', {
  input: z.object({ name: z.string(), times: z.number().int().default(1) }),
})
  .task('compose', {
    run: ({ name, times }, { log }) => {
      log.info(`hello ${name}`);
      return { text: name.repeat(times) };
    },
  })
  .build();

const waits = workflow('waits').task('wait', { run: held.pass }).build();

describe('a call to a node', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({
      nodes: 2,
      definitions: [greet, waits, task('unused', { run: () => ({}) })],
    });
  });
  after(async () => {
    held.open();
    await cluster[Symbol.asyncDispose]();
  });

  it('starts a workflow whose result any node tells', async () => {
    const { id, existing } = await cluster.api.start({ name: 'greet', input: { name: 'ab' } });

    const ends = await Promise.all(cluster.apis.map(async (api) => await api.result(id, 10_000)));
    expect(existing).to.equal(false);
    for (const { workflow: view, tasks } of ends) {
      expect(view).to.include({ state: 'completed', name: 'greet' });
      expect(view.output).to.deep.equal({ name: 'ab', times: 1, text: 'ab' });
      expect(tasks[0]).to.include({ state: 'completed', step: 'compose', attempt: 1 });
    }
  });

  it('refuses an id that is taken, or gives the workflow that has it', async () => {
    const request = { name: 'greet', input: { name: 'x' }, id: 'taken' };
    await cluster.api.start(request);

    expect((await refusal(cluster.api.start(request))).code).to.equal('ALREADY_EXISTS');
    expect(await cluster.api.start({ ...request, onConflict: 'useExisting' })).to.deep.equal({
      id: 'taken',
      existing: true,
    });
  });

  it('takes the same requestId twice, also at once and at two nodes, for one workflow', async () => {
    const request = { name: 'greet', input: { name: 'r' }, requestId: 'once' };

    const started = await Promise.all(
      [...cluster.apis, ...cluster.apis].map(async (api) => await api.start(request)),
    );

    expect(new Set(started.map(({ id }) => id)).size).to.equal(1);
    expect(started.filter(({ existing }) => !existing)).to.have.lengthOf(1);
  });

  it('takes the same requestId under the same id for one workflow', async () => {
    const request = { name: 'greet', input: { name: 'r' }, id: 'named', requestId: 'twice' };
    await cluster.api.start(request);

    expect(await cluster.api.start(request)).to.deep.equal({ id: 'named', existing: true });
  });

  it('refuses what it cannot start, saying why', async () => {
    const { api } = cluster;
    const wrong = await refusal(api.start({ name: 'greet', input: { name: 7, times: 1.5 } }));
    const unknown = await refusal(api.start({ name: 'nobody', input: {} }));
    const large = { name: 'x'.repeat(2 * 1024 * 1024) };

    expect(wrong.code).to.equal('INVALID_INPUT');
    expect(wrong.problems.map(({ pointer }) => pointer)).to.deep.equal([
      '/input/name',
      '/input/times',
    ]);
    expect(unknown.code).to.equal('UNKNOWN_DEFINITION');
    expect((await refusal(api.start({ name: 'greet', input: large }))).code).to.equal('TOO_LARGE');
    expect(
      (await refusal(api.start({ name: 'greet', input: { name: '' }, id: 'no/slash' }))).code,
    ).to.equal('INVALID_INPUT');
  });

  it('says NOT_FOUND of what does not exist', async () => {
    const { api } = cluster;
    expect((await refusal(api.workflow('nowhere'))).code).to.equal('NOT_FOUND');
    expect((await refusal(api.result('nowhere', 1_000))).code).to.equal('NOT_FOUND');
    expect((await refusal(api.cancel('nowhere'))).code).to.equal('NOT_FOUND');
    expect((await refusal(api.cancel('no such/id'))).code).to.equal('NOT_FOUND');
  });

  it('cancels what runs, again without harm, and nothing that has ended', async () => {
    const { id } = await cluster.api.start({ name: 'waits', input: {} });
    const ended = await cluster.api.start({ name: 'greet', input: { name: 'x' } });
    await cluster.api.result(ended.id, 10_000);

    await cluster.api.cancel(id, 'enough');
    await cluster.api.cancel(id, 'really');

    const { workflow: view } = await cluster.api.workflow(id);
    expect(view).to.include({ state: 'canceled', error: 'enough' });
    expect((await refusal(cluster.api.cancel(ended.id))).code).to.equal('ALREADY_CLOSED');
  });

  it('lists, counts and shows log lines once they are stored', async () => {
    const { id } = await cluster.api.start({ name: 'greet', input: { name: 'listed' } });
    await cluster.api.result(id, 10_000);

    await until(async () => {
      const { rows } = await cluster.api.list({ limit: 100, name: 'greet' });
      return rows.find((row) => row.id === id)?.state === 'completed';
    });
    await until(async () => (await cluster.api.logs(id, { limit: 10 })).length > 0);

    const [line] = await cluster.api.logs(id, { limit: 10 });
    const { rows: all } = await cluster.api.list({ limit: 1_000 });
    expect(line).to.include({ step: 0, attempt: 1, level: 'info', message: 'hello listed' });
    // What the tests before started may still be on its way into the store between two reads of it.
    await until(async () => {
      const stats = await cluster.api.stats();
      const { rows } = await cluster.api.list({ limit: 1_000 });
      return Object.values(stats).reduce((sum, count) => sum + count) === rows.length;
    });
    expect(all.map((row) => row.created_at)).to.deep.equal(
      all
        .map((row) => row.created_at)
        .toSorted()
        .toReversed(),
    );
  });
});
