import { Migration } from '@mikro-orm/migrations';

/**
 * What lists are searched by, and the counts of each minute. Nodes of the version before go on working while it runs and
 * after it: both servers add and drop such keys beside readers and writers.
 */
export class Search extends Migration {
  override async up(): Promise<void> {
    for (const sql of tables) this.addSql(sql);
    // MySQL has no ADD KEY IF NOT EXISTS, and this may be the second try after a crash.
    for (const { table, key, sql } of keys) {
      const found = await this.execute(
        'SELECT 1 AS found FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ? LIMIT 1',
        [table, key],
      );
      if (found.length === 0) this.addSql(sql);
    }
  }

  override isTransactional(): boolean {
    return false;
  }
}

const options = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

const tables = [
  `CREATE TABLE IF NOT EXISTS tag (
    shard_id SMALLINT UNSIGNED NOT NULL,
    id VARCHAR(255) NOT NULL,
    name VARCHAR(40) NOT NULL,
    value VARCHAR(200) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (shard_id, id, name),
    KEY tag_search (name, value, created_at, id)
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS throughput (
    minute BIGINT NOT NULL,
    node VARCHAR(255) NOT NULL,
    started INT UNSIGNED NOT NULL,
    completed INT UNSIGNED NOT NULL,
    failed INT UNSIGNED NOT NULL,
    canceled INT UNSIGNED NOT NULL,
    PRIMARY KEY (minute, node)
  ) ${options}`,
];

const keys = [
  {
    table: 'actor',
    key: 'actor_id',
    // One statement, so that either all of it is there or nothing.
    sql: `ALTER TABLE actor
      ADD KEY actor_id (kind, id, state, name, created_at),
      ADD KEY actor_name_state (kind, name, state, created_at, id),
      DROP KEY actor_name`,
  },
  {
    table: 'definition',
    key: 'definition_newest',
    sql: 'ALTER TABLE definition ADD KEY definition_newest (name, registered_at, version)',
  },
];
