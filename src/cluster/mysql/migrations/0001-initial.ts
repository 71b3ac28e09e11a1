import { Migration } from '@mikro-orm/migrations';

export class Initial extends Migration {
  override up(): void {
    for (const sql of tables) this.addSql(sql);
  }

  override isTransactional(): boolean {
    // MySQL commits at each CREATE anyway.
    return false;
  }
}

// IF NOT EXISTS: a migration that was cut off by a crash goes on where it was.
const options = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

const tables = [
  `CREATE TABLE IF NOT EXISTS cluster (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    shards SMALLINT UNSIGNED NOT NULL,
    created_at BIGINT NOT NULL
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS shard (
    shard_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
    epoch BIGINT UNSIGNED NOT NULL,
    owner VARCHAR(255) NULL,
    owner_incarnation VARCHAR(64) NULL,
    checkpoint_lsn BIGINT UNSIGNED NOT NULL
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS journal (
    shard_id SMALLINT UNSIGNED NOT NULL,
    lsn BIGINT UNSIGNED NOT NULL,
    epoch BIGINT UNSIGNED NOT NULL,
    batch_id BINARY(8) NOT NULL,
    entries INT UNSIGNED NOT NULL,
    records MEDIUMBLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (shard_id, lsn)
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS actor (
    shard_id SMALLINT UNSIGNED NOT NULL,
    id VARCHAR(255) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(255) NOT NULL,
    version VARCHAR(64) NOT NULL,
    state VARCHAR(32) NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    is_open TINYINT UNSIGNED NOT NULL,
    due_at BIGINT NULL,
    data MEDIUMTEXT NOT NULL,
    failure TEXT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT NULL,
    ended_at BIGINT NULL,
    PRIMARY KEY (shard_id, id),
    KEY actor_open (shard_id, is_open),
    KEY actor_due (shard_id, due_at),
    KEY actor_created (kind, created_at, id),
    KEY actor_state (kind, state, created_at, id),
    KEY actor_name (kind, name, created_at, id),
    KEY actor_ended (ended_at)
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS history (
    shard_id SMALLINT UNSIGNED NOT NULL,
    id VARCHAR(255) NOT NULL,
    first_seq BIGINT UNSIGNED NOT NULL,
    last_seq BIGINT UNSIGNED NOT NULL,
    events MEDIUMBLOB NOT NULL,
    PRIMARY KEY (shard_id, id, first_seq)
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS task_log (
    shard_id SMALLINT UNSIGNED NOT NULL,
    id VARCHAR(255) NOT NULL,
    task INT UNSIGNED NOT NULL,
    attempt INT UNSIGNED NOT NULL,
    n INT UNSIGNED NOT NULL,
    at BIGINT NOT NULL,
    level VARCHAR(8) NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (shard_id, id, task, attempt, n)
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS definition (
    name VARCHAR(255) NOT NULL,
    version VARCHAR(64) NOT NULL,
    graph MEDIUMTEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
  ) ${options}`,

  `CREATE TABLE IF NOT EXISTS node (
    name VARCHAR(255) NOT NULL PRIMARY KEY,
    incarnation VARCHAR(64) NOT NULL,
    counter BIGINT UNSIGNED NOT NULL,
    info MEDIUMTEXT NOT NULL,
    updated_at BIGINT NOT NULL
  ) ${options}`,
];
