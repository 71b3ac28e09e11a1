import { readFile, writeFile } from 'node:fs/promises';

import { expect } from 'chai';
import type { RowDataPacket } from 'mysql2/promise';

import { parseAddress } from '#cluster/mysql/address.ts';
import { openOrm } from '#cluster/mysql/orm.ts';
import { Store } from '#cluster/mysql/store.ts';

import { freshDatabase, sharedServers } from '../support/servers.ts';
import { CutProxy } from './cut-proxy.ts';
import { dumpSchema } from './schema-dump.ts';
import { connect, freshStore, openStore, snapshot } from './store.ts';

const dumpFile = new URL('../../src/cluster/mysql/schema.sql', import.meta.url);

describe('the schema', () => {
  it('that migrations make of an empty database is the one in schema.sql', async () => {
    await using world = await freshStore();
    await using connection = await connect(world.url);

    const made = await dumpSchema(connection);

    if (process.env['TEMJOB_UPDATE_SCHEMA'] === '1') await writeFile(dumpFile, made);
    expect(made).to.equal(await readFile(dumpFile, 'utf8'));
  });

  it('has what the entities say', async () => {
    await using world = await freshStore();
    const orm = await openOrm(parseAddress(world.url), 1);
    try {
      const changes = await orm.schema.getUpdateSchemaSQL({ wrap: false, dropTables: false });

      // MariaDB reports DEFAULT NULL of a TEXT column in words, which MikroORM takes for another default.
      const real = changes.replace('alter table `actor` modify `failure` text null;', '');
      expect(real.trim()).to.equal('');
    } finally {
      await orm.close(true);
    }
  });

  it('is made once by many nodes that start at once', async () => {
    const url = await freshDatabase(await sharedServers());
    await using a = await openStore(url);
    await using b = await openStore(url);
    await using c = await openStore(url);

    const results = await Promise.all([a, b, c].map(async ({ store }) => await store.migrate()));

    expect(results.flatMap(({ applied }) => applied)).to.deep.equal([
      '0001-initial',
      '0002-search',
    ]);
    expect(await c.store.claims.read()).to.have.length(8);
    expect(await a.store.migrate()).to.deep.equal({ applied: [] });
  });

  it('is completed when a migration was cut off in the middle', async () => {
    await using world = await freshStore();
    await using connection = await connect(world.url);
    await connection.query('DROP TABLE node');
    await connection.query('DELETE FROM migration');
    await connection.query('DELETE FROM shard WHERE shard_id > 3');

    await world.store.migrate();

    expect(await world.store.nodes.read()).to.be.empty;
    expect(await world.store.claims.read()).to.have.length(8);
  });

  it('of the version before is brought up to date while its nodes go on writing and reading', async () => {
    await using world = await freshStore();
    await using connection = await connect(world.url);
    await connection.query('DROP TABLE tag, throughput');
    await connection.query(
      'ALTER TABLE actor DROP KEY actor_id, DROP KEY actor_name_state, ADD KEY actor_name (kind, name, created_at, id)',
    );
    await connection.query('ALTER TABLE definition DROP KEY definition_newest');
    await connection.query("DELETE FROM migration WHERE name <> '0001-initial'");
    const { checkpoints } = world.store;
    const data = 'x'.repeat(500);
    const some = (from: number) =>
      Array.from({ length: 500 }, (_, n) => snapshot({ id: `w${from + n}`, data }));
    for (let from = 0; from < 10_000; from += 500) await checkpoints.write(some(from), [], []);

    let written = 10_000;
    const migrated = new AbortController();
    const nodes = (async () => {
      for (; !migrated.signal.aborted; written += 500) {
        await checkpoints.write(some(written), [], []);
        const [rows] = await connection.query<RowDataPacket[]>(
          "SELECT id FROM actor WHERE kind = 'workflow' AND name = 'order' ORDER BY created_at DESC, id DESC LIMIT 5",
        );
        expect(rows).to.have.length(5);
      }
    })();
    const { applied } = await world.store.migrate().finally(() => migrated.abort());
    await nodes;

    expect(applied).to.deep.equal(['0002-search']);
    expect(await dumpSchema(connection)).to.equal(await readFile(dumpFile, 'utf8'));
    expect(await world.store.workflows.count({})).to.equal(written);
    expect(await world.store.workflows.count({ idPrefix: 'w1' })).to.be.at.least(1_111);
  });

  it('of a cluster with another number of shards is refused, with both numbers', async () => {
    await using world = await freshStore();
    await using other = await openStore(world.url, { shards: 16 });

    expect(await messageOf(other.store.migrate())).to.match(/created with 8 shards.*instead of 16/);
  });

  it('of a newer version is refused by name', async () => {
    await using world = await freshStore();
    await using connection = await connect(world.url);
    await connection.query("INSERT INTO migration (name) VALUES ('9999-later')");

    expect(await messageOf(world.store.migrate())).to.contain('9999-later');
  });
});

describe('a store', () => {
  it('says where and why it cannot open', async () => {
    const message = await messageOf(
      Store.open('mysql://root@localhost/db?socketPath=/nowhere/db.sock', { shards: 8 }),
    );

    expect(message).to.match(/\/nowhere\/db\.sock, database db: .*ENOENT/);
  });

  it('refuses a URL without a database', async () => {
    expect(await messageOf(Store.open('mysql://root@localhost/', { shards: 8 }))).to.contain(
      'names no database',
    );
  });

  it('is ready while the server answers, and says within two seconds when it does not', async () => {
    await using world = await freshStore();
    await using proxy = await CutProxy.start(world.url);
    await using cut = await openStore(proxy.url);
    await cut.store.ready();
    proxy.holdAnswers();
    const since = performance.now();

    expect(await messageOf(cut.store.ready())).to.contain('did not answer');

    expect(performance.now() - since).to.be.lessThan(2_000);
  });

  it('may be closed twice', async () => {
    await using world = await freshStore();
    await world.store.warm();

    await Promise.all([world.store.close(), world.store.close()]);
  });
});

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it did not fail');
}
