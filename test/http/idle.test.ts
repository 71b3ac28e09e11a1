import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { openDoors, ownersKnown } from '../support/doors.ts';
import { type Gate, gate } from '../support/held.ts';
import { LivePage } from '../support/live-page.ts';

/** Pages read once more what may have changed while they were opened; they are idle after so long without a statement. */
const settledMs = 3_000;
/** In it, every page of something that goes on asks its owner at least once. */
const idleForMs = 8_000;

describe('pages that nobody does anything with', () => {
  it('cost MySQL nothing: no statement comes but those by which nodes see each other', async () => {
    const held = gate();
    await using cluster = await startCluster({
      nodes: 2,
      definitions: definitions(held),
      idleMs: 600,
    });
    await ownersKnown(cluster.apis);
    await using doors = await openDoors(cluster.apis);
    for (const id of ['quiet-1', 'quiet-2']) {
      await cluster.api.start({ name: 'quiet', id, input: {} });
    }
    await cluster.api.start({ name: 'later', id: 'later', input: {} });
    await cluster.api.start({ name: 'short', id: 'ended', input: {} });
    await cluster.api.result('ended', 20_000);
    // It waits for a retry with nothing to do, and its owner has let go of it.
    const [one, other] = cluster.nodes;
    while ((one?.load().actors ?? 0) + (other?.load().actors ?? 0) > 2) await sleep(20);
    await using log = await StatementLog.open(cluster.options.mysql);
    const ids = ['quiet-1', 'quiet-2', 'later', 'ended'];
    const topics = ['overview', 'cluster', 'workflows', ...ids.map((id) => `workflow:${id}`)];
    await using pages = new AsyncDisposableStack();
    for (const { url } of doors.doors) {
      for (let tab = 0; tab < 3; tab += 1) {
        for (const topic of topics) {
          const page = pages.use(await LivePage.open(url));
          await page.watch(topic);
        }
      }
    }
    const opening = await log.since();
    do await sleep(settledMs);
    while ((await log.since()).length > 0);

    await sleep(idleForMs);

    expect(await log.since()).to.deep.equal([]);
    expect(opening.filter((text) => text.includes('task_log'))).to.have.length(ids.length * 2);
    held.open();
  }).timeout(120_000);
});

function definitions(held: Gate) {
  return [
    workflow('quiet').task('wait', { run: held.pass }).build(),
    workflow('short')
      .task('do', { run: () => ({}) })
      .build(),
    workflow('later')
      .task('try', {
        run: () => {
          throw new Error('not yet');
        },
        retry: { maxAttempts: 2, initialInterval: '1h' },
      })
      .build(),
  ];
}

/** What an idle cluster says: its heartbeats, who owns what, and once a minute what is due or old. */
const ofNodes = [
  /^INSERT INTO node\b/,
  /^SELECT name, incarnation, counter\b/,
  /^SELECT shard_id, epoch, owner\b/,
  /^SELECT shard_id, id, due_at FROM actor\b/,
  /^DELETE FROM journal\b/,
  /^SELECT shard_id, id FROM actor WHERE ended_at\b/,
  /^SET SESSION\b/,
];

/** The statements that a server gets in one database, as the server itself logs them. */
class StatementLog implements AsyncDisposable {
  readonly #connection: Connection;

  static async open(url: string): Promise<StatementLog> {
    const connection = await createConnection(url);
    await connection.query("SET GLOBAL log_output = 'TABLE'");
    await connection.query('SET GLOBAL general_log = 1');
    await connection.query('TRUNCATE TABLE mysql.general_log');
    return new StatementLog(connection);
  }

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Those since the last call, but for what idle nodes say. */
  async since(): Promise<readonly string[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      `SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log
       WHERE command_type IN ('Query', 'Execute') AND thread_id <> CONNECTION_ID()`,
    );
    await this.#connection.query('TRUNCATE TABLE mysql.general_log');
    return rows
      .map((row) => String(row['text']).trim())
      .filter((text) => !ofNodes.some((pattern) => pattern.test(text)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.query('SET GLOBAL general_log = 0');
    await this.#connection.query("SET GLOBAL log_output = 'FILE'");
    await this.#connection.end();
  }
}
