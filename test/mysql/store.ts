import { setTimeout as sleep } from 'node:timers/promises';

import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';

import type { Batch } from '#cluster/mysql/journal.ts';
import type { Snapshot } from '#cluster/mysql/snapshots.ts';
import { Store, type StoreOptions } from '#cluster/mysql/store.ts';

import { freshDatabase, sharedServers } from '../support/servers.ts';

/** A store over a database of its own, with a cluster of 8 shards in it. */
export async function freshStore(options: Partial<StoreOptions> = {}) {
  const url = await freshDatabase(await sharedServers());
  const store = await Store.open(url, { shards: 8, ...options });
  await store.migrate();
  return {
    url,
    store,
    [Symbol.asyncDispose]: async () => await store.close(),
  };
}

/** Another store over a database that has a cluster. */
export async function openStore(url: string, options: Partial<StoreOptions> = {}) {
  const store = await Store.open(url, { shards: 8, ...options });
  return { store, [Symbol.asyncDispose]: async () => await store.close() };
}

/** A connection beside the store, to look and to interfere. */
export async function connect(url: string): Promise<Connection & AsyncDisposable> {
  const connection = await createConnection(url);
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  return Object.assign(connection, {
    [Symbol.asyncDispose]: async () => {
      connection.destroy();
    },
  });
}

/** Resolves when that many statements in the watcher's database wait for a row lock. */
export async function lockWaits(watcher: Connection, count: number): Promise<void> {
  await until(async () => {
    const [rows] = await watcher.query<RowDataPacket[]>(
      `SELECT COUNT(*) AS waiting FROM information_schema.innodb_trx t
       JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
       WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()`,
    );
    return Number(rows[0]?.['waiting']) >= count;
  });
}

/** Looks again and again until it is so. InnoDB renews what innodb_trx shows only after 100 ms in which nobody has read it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('waited 20 s for something that did not happen');
    await sleep(120);
  }
}

let made = 0;

export function batch(of: Partial<Batch> & { shard: number }): Batch {
  made += 1;
  return {
    lsn: 1,
    epoch: 1,
    batchId: made.toString(16).padStart(16, '0'),
    entries: 1,
    records: `[{"n":${made}}]`,
    ...of,
  };
}

export function snapshot(of: Partial<Snapshot> & { id: string }): Snapshot {
  return {
    shard: 0,
    kind: 'workflow',
    name: 'order',
    version: 'v1',
    state: 'running',
    seq: 1,
    open: true,
    dueAt: null,
    data: '{}',
    failure: null,
    createdAt: 1_700_000_000_000,
    startedAt: null,
    endedAt: null,
    ...of,
  };
}
