import { expect } from 'chai';
import { z } from 'zod';

import { ClusterError } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';

let now = 0;

const parcel = workflow('parcel', {
  input: z.object({
    to: z.string(),
    weight: z.number().default(1),
    at: z.number().default(() => (now += 1)),
  }),
})
  .task('send', { run: ({ to, weight }) => ({ sent: `${weight} kg to ${to}` }) })
  .build();

describe('a start that is asked for again', () => {
  it('is the same when only defaults of the moment differ, on any node, and refused when anything that was said does', async () => {
    await using cluster = await startCluster({ nodes: 2, definitions: [parcel] });
    const [api, other] = cluster.apis;
    if (api === undefined || other === undefined) throw new Error('no node');
    const request = {
      name: 'parcel',
      input: { to: 'Ulm', weight: 2 },
      tags: { customer: 'acme', 'order.no': '7' },
      requestId: 'request-1',
    };
    const first = await api.start(request);

    const second = await other.start({ ...request, input: { weight: 2, to: 'Ulm' } });
    const refusals = await Promise.all(
      [
        { input: { to: 'Bonn', weight: 2 } },
        { tags: { customer: 'acme' } },
        { tags: {}, onConflict: 'useExisting' as const },
      ].map(
        async (change) =>
          await other.start({ ...request, ...change }).catch((error: unknown) => error),
      ),
    );
    const { workflow: ended } = await api.result(first.id, 20_000);

    expect(second).to.deep.equal({ id: first.id, existing: true });
    for (const refusal of refusals) {
      expect(refusal).to.be.instanceOf(ClusterError).and.include({ code: 'IDEMPOTENCY_MISMATCH' });
    }
    expect(ended.tags).to.deep.equal(request.tags);
    expect(now, 'moments').to.be.above(1);
  });
});

describe('the tags of a start', () => {
  it('are shown, in lists too, and refused when they are too many, too long or named badly', async () => {
    await using cluster = await startCluster({ definitions: [parcel] });
    const start = async (tags: Record<string, string>) =>
      await cluster.api.start({ name: 'parcel', input: { to: 'Ulm' }, tags });
    const most = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`key-${index}`.padEnd(40, '_'), 'v'.repeat(200)]),
    );
    const { id } = await start(most);
    await cluster.api.result(id, 20_000);

    const refusals = await Promise.all(
      [
        { ...most, more: 'x' },
        { 'a/b': 'x' },
        { long: 'v'.repeat(201) },
        { ['k'.repeat(41)]: 'x' },
      ].map(async (tags) => await start(tags).catch((error: unknown) => error)),
    );
    let { rows } = await cluster.api.list({ limit: 10 });
    while (rows.length === 0) ({ rows } = await cluster.api.list({ limit: 10 }));

    expect(rows[0]?.tags).to.deep.equal(most);
    for (const [index, pointer] of [
      '/tags',
      '/tags/a~1b',
      '/tags/long',
      `/tags/${'k'.repeat(41)}`,
    ].entries()) {
      expect(refusals[index]).to.include({ code: 'INVALID_INPUT' });
      expect(refusals[index]).to.have.nested.property('problems[0].pointer', pointer);
    }
  });
});

const patient = workflow('patient', { timeout: '2h' })
  .task('wait', { run: () => ({}) })
  .build();

const stumbles = workflow('stumbles')
  .task('fall', {
    retry: { maxAttempts: 2, jitter: 0 },
    run: () => {
      throw new Error('again');
    },
  })
  .build();

describe('a start in a cluster that sets limits', () => {
  it('gets the longest timeout when it has none, and is refused when it has a longer one', async () => {
    await using cluster = await startCluster({
      definitions: [parcel, patient],
      maxWorkflowTimeoutMs: 3_600_000,
    });
    const { id } = await cluster.api.start({ name: 'parcel', input: { to: 'Ulm' } });
    const shorter = await cluster.api.start({ name: 'patient', input: {}, timeoutMs: 60_000 });
    const views = await Promise.all(
      [id, shorter.id].map(async (one) => (await cluster.api.workflow(one)).workflow),
    );
    const refusals = await Promise.all(
      [
        { name: 'parcel', input: { to: 'Ulm' }, timeoutMs: 3_600_001 },
        { name: 'patient', input: {} },
      ].map(async (request) => await cluster.api.start(request).catch((error: unknown) => error)),
    );

    const given = views.map(
      ({ created_at: from, timeout_at: to = '' }) => Date.parse(to) - Date.parse(from),
    );
    expect(given).to.deep.equal([3_600_000, 60_000]);
    for (const refusal of refusals) {
      expect(refusal).to.be.instanceOf(ClusterError).and.include({ code: 'INVALID_INPUT' });
      expect(refusal).to.have.nested.property('problems[0].pointer', '/timeout');
    }
    expect(String(refusals[1])).to.match(
      /the timeout of the definition patient, 2h, is longer than the 1h/,
    );
  });

  it('is retried after the interval of the cluster where its definition says nothing', async () => {
    await using cluster = await startCluster({
      definitions: [stumbles],
      defaultRetryIntervalMs: 7_200_000,
    });
    const { id } = await cluster.api.start({ name: 'stumbles', input: {} });
    let [task] = (await cluster.api.workflow(id)).tasks;
    while (task?.state !== 'retrying') [task] = (await cluster.api.workflow(id)).tasks;

    expect(Date.parse(task.next_attempt_at ?? '') - Date.now()).to.be.within(7_100_000, 7_200_000);
  });
});

describe('a start through a node that does not have the code', () => {
  it('is checked by the schema that is stored with the definition, and given its defaults', async () => {
    await using cluster = await startCluster({ definitions: [parcel] });
    const other = await cluster.join({ definitions: [] });

    const refusal = await other.api
      .start({ name: 'parcel', input: { to: 7 } })
      .catch((error: unknown) => error);
    const { id } = await other.api.start({ name: 'parcel', input: { to: 'Ulm' } });
    const { workflow: ended } = await other.api.result(id, 20_000);

    expect(refusal).to.be.instanceOf(ClusterError).and.include({ code: 'INVALID_INPUT' });
    expect(refusal).to.have.nested.property('problems[0].pointer', '/input/to');
    expect(ended.output).to.deep.include({ weight: 1, sent: '1 kg to Ulm' });
  });
});
