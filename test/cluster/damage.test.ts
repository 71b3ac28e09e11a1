import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';

import { ClusterError } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { gate } from '../support/held.ts';
import { refusal } from '../support/rejection.ts';

const door = gate();

const sound = workflow('sound')
  .task('hold', { run: async () => await door.pass() })
  .build();

const spoiled = workflow('spoiled')
  .task('first', { run: () => ({}) })
  .task('hold', { needs: ['first'], run: async () => await door.pass() })
  .build();

const ended = workflow('ended')
  .task('first', { run: () => ({}) })
  .task('second', { needs: ['first'], run: () => ({}) })
  .build();

describe('a definition that is damaged in the store', function () {
  this.timeout(40_000);

  it('sets its own workflows aside, and keeps no node from taking the shards over, nor anybody else waiting', async () => {
    await using cluster = await startCluster({ definitions: [sound, spoiled, ended], shards: 2 });
    const ids = ['one', 'two', 'three', 'four'];
    for (const id of ids) {
      await cluster.api.start({ name: 'sound', id: `sound-${id}`, input: {} });
      await cluster.api.start({ name: 'spoiled', id: `spoiled-${id}`, input: {} });
      await cluster.api.start({ name: 'ended', id: `ended-${id}`, input: {} });
      await cluster.api.result(`ended-${id}`, 10_000);
    }
    await cluster.nodes[0]?.stop({ graceMs: 0 });
    const connection = await createConnection(cluster.options.mysql);
    await connection.query(
      `UPDATE definition SET graph = REPLACE(graph, '["first"]', '["nowhere"]') WHERE name <> 'sound'`,
    );
    await connection.end();

    const next = await cluster.join({ name: 'next', definitions: [sound] });
    door.open();
    const calls = ids.flatMap((id) => [
      next.api.cancel(`spoiled-${id}`),
      next.api.retry(`ended-${id}`),
    ]);
    const refusals = await Promise.all(
      calls.map(async (call) => await call.catch((error: unknown) => error)),
    );
    const ends = await Promise.all(
      ids.map(async (id) => await next.api.result(`sound-${id}`, 20_000)),
    );

    const unread = await Promise.all(
      ids.map(async (id) => await refusal(next.api.workflow(`spoiled-${id}`))),
    );

    expect(unread.map(({ code }) => code)).to.deep.equal(ids.map(() => 'INTERNAL'));
    for (const answer of refusals) {
      expect(answer).to.be.instanceOf(ClusterError).and.include({ code: 'INTERNAL' });
    }
    expect(ends.map((end) => end.workflow.state)).to.deep.equal(ids.map(() => 'completed'));
  });
});
