import { createHash } from 'node:crypto';

import type { Address } from './address.ts';
import { migrations, migrationTable } from './migrations/list.ts';
import { Pool, tuples } from './pool.ts';
import { int, intOrNull, type Row, text } from './row.ts';

/** A node whose configuration names another number of shards than the cluster was created with. */
export class WrongShardsError extends Error {
  override readonly name = 'WrongShardsError';

  constructor(configured: number, created: number) {
    super(
      `this cluster was created with ${created} shards and cannot change them: set shards to ${created} instead of ${configured}, or use another database`,
    );
  }
}

/**
 * Brings the database to the schema of this version, and creates the cluster in it. Several nodes may do so at once: one
 * works, the others wait. A database that is current costs one read.
 */
export async function migrate(
  pool: Pool,
  address: Address,
  shards: number,
): Promise<{ applied: readonly string[] }> {
  if (await isCurrent(pool, shards)) return { applied: [] };
  return await withMigrationLock(address, async () => {
    if (await isCurrent(pool, shards)) return { applied: [] };
    const applied = await runMigrations(address);
    await createCluster(pool, shards);
    return { applied };
  });
}

/** Throws when the database is of a newer version, or its cluster of another size. */
async function isCurrent(pool: Pool, shards: number): Promise<boolean> {
  const applied = await appliedMigrations(pool);
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new Error(
      `the database has the migration ${unknown.join(', ')}, which this version of temjob does not know: use the version that made it, or a newer one`,
    );
  }
  if (applied.length < migrations.length) return false;
  const [row] = await pool.rows(
    'SELECT (SELECT shards FROM cluster WHERE id = 1) AS shards, (SELECT COUNT(*) FROM shard) AS seeded',
  );
  if (row === undefined) return false;
  const created = intOrNull(row, 'shards');
  if (created === null) return false;
  if (created !== shards) throw new WrongShardsError(shards, created);
  return int(row, 'seeded') === shards;
}

async function appliedMigrations(pool: Pool): Promise<readonly string[]> {
  try {
    const rows: readonly Row[] = await pool.rows(`SELECT name FROM ${migrationTable} ORDER BY id`);
    return rows.map((row) => text(row, 'name'));
  } catch (error) {
    const isEmpty = error instanceof Error && 'errno' in error && error.errno === noSuchTable;
    if (isEmpty) return [];
    throw error;
  }
}

async function runMigrations(address: Address): Promise<readonly string[]> {
  const [{ openOrm }, { Migrator }, ...classes] = await Promise.all([
    import('./orm.ts'),
    import('@mikro-orm/migrations'),
    ...migrations.map((migration) => migration.load()),
  ]);
  const orm = await openOrm(address, 2, {
    extensions: [Migrator],
    migrations: {
      tableName: migrationTable,
      migrationsList: classes.map((migration, index) => ({
        name: migrations[index]?.name ?? '',
        class: migration,
      })),
      transactional: false,
      disableForeignKeys: false,
      snapshot: false,
    },
  });
  try {
    return (await orm.migrator.up()).map(({ name }) => name);
  } finally {
    await orm.close(true);
  }
}

async function createCluster(pool: Pool, shards: number): Promise<void> {
  await pool.run(
    `INSERT INTO cluster (id, shards, created_at) VALUES (1, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))
     ON DUPLICATE KEY UPDATE id = cluster.id`,
    [shards],
  );
  const [row] = await pool.rows('SELECT shards FROM cluster WHERE id = 1');
  const created = row === undefined ? shards : int(row, 'shards');
  if (created !== shards) throw new WrongShardsError(shards, created);
  await pool.run(
    `INSERT INTO shard (shard_id, epoch, checkpoint_lsn) VALUES ${tuples(shards, 3)}
     ON DUPLICATE KEY UPDATE shard_id = shard.shard_id`,
    Array.from({ length: shards }, (_, shard) => [shard, 0, 0]).flat(),
  );
}

const noSuchTable = 1146;
/** Keys of a large table take minutes. */
const lockSeconds = 600;

/** The lock belongs to its connection and ends with it, so it has one that nobody else gets. */
async function withMigrationLock<T>(address: Address, work: () => Promise<T>): Promise<T> {
  const pool = Pool.open(address, { size: 1, statementMs: (lockSeconds + 5) * 1_000 });
  try {
    // At most 64 characters, and names of locks are shared by all databases of a server.
    const name = `temjob:${createHash('sha256').update(address.database).digest('hex').slice(0, 40)}`;
    const [row] = await pool.rows('SELECT GET_LOCK(?, ?) AS got', [name, lockSeconds]);
    if (row === undefined || intOrNull(row, 'got') !== 1) {
      throw new Error(`another node has been migrating the database for ${lockSeconds} s`);
    }
    return await work();
  } finally {
    await pool.close();
  }
}
