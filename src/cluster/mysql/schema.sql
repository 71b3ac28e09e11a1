CREATE TABLE actor (
  shard_id smallint unsigned NOT NULL,
  id varchar(255) COLLATE utf8mb4_bin NOT NULL,
  kind varchar(16) COLLATE utf8mb4_bin NOT NULL,
  name varchar(255) COLLATE utf8mb4_bin NOT NULL,
  version varchar(64) COLLATE utf8mb4_bin NOT NULL,
  state varchar(32) COLLATE utf8mb4_bin NOT NULL,
  seq bigint unsigned NOT NULL,
  is_open tinyint unsigned NOT NULL,
  due_at bigint,
  data mediumtext COLLATE utf8mb4_bin NOT NULL,
  failure text COLLATE utf8mb4_bin,
  created_at bigint NOT NULL,
  started_at bigint,
  ended_at bigint,
  KEY actor_created (kind, created_at, id),
  KEY actor_due (shard_id, due_at),
  KEY actor_ended (ended_at),
  KEY actor_id (kind, id, state, name, created_at),
  KEY actor_name_state (kind, name, state, created_at, id),
  KEY actor_open (shard_id, is_open),
  KEY actor_state (kind, state, created_at, id),
  PRIMARY KEY (shard_id, id)
);

CREATE TABLE cluster (
  id tinyint unsigned NOT NULL,
  shards smallint unsigned NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE definition (
  name varchar(255) COLLATE utf8mb4_bin NOT NULL,
  version varchar(64) COLLATE utf8mb4_bin NOT NULL,
  graph mediumtext COLLATE utf8mb4_bin NOT NULL,
  registered_at bigint NOT NULL,
  KEY definition_newest (name, registered_at, version),
  PRIMARY KEY (name, version)
);

CREATE TABLE history (
  shard_id smallint unsigned NOT NULL,
  id varchar(255) COLLATE utf8mb4_bin NOT NULL,
  first_seq bigint unsigned NOT NULL,
  last_seq bigint unsigned NOT NULL,
  events mediumblob NOT NULL,
  PRIMARY KEY (shard_id, id, first_seq)
);

CREATE TABLE journal (
  shard_id smallint unsigned NOT NULL,
  lsn bigint unsigned NOT NULL,
  epoch bigint unsigned NOT NULL,
  batch_id binary(8) NOT NULL,
  entries int unsigned NOT NULL,
  records mediumblob NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (shard_id, lsn)
);

CREATE TABLE node (
  name varchar(255) COLLATE utf8mb4_bin NOT NULL,
  incarnation varchar(64) COLLATE utf8mb4_bin NOT NULL,
  counter bigint unsigned NOT NULL,
  info mediumtext COLLATE utf8mb4_bin NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE shard (
  shard_id smallint unsigned NOT NULL,
  epoch bigint unsigned NOT NULL,
  owner varchar(255) COLLATE utf8mb4_bin,
  owner_incarnation varchar(64) COLLATE utf8mb4_bin,
  checkpoint_lsn bigint unsigned NOT NULL,
  PRIMARY KEY (shard_id)
);

CREATE TABLE tag (
  shard_id smallint unsigned NOT NULL,
  id varchar(255) COLLATE utf8mb4_bin NOT NULL,
  name varchar(40) COLLATE utf8mb4_bin NOT NULL,
  value varchar(200) COLLATE utf8mb4_bin NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (shard_id, id, name),
  KEY tag_search (name, value, created_at, id)
);

CREATE TABLE task_log (
  shard_id smallint unsigned NOT NULL,
  id varchar(255) COLLATE utf8mb4_bin NOT NULL,
  task int unsigned NOT NULL,
  attempt int unsigned NOT NULL,
  n int unsigned NOT NULL,
  at bigint NOT NULL,
  level varchar(8) COLLATE utf8mb4_bin NOT NULL,
  message text COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (shard_id, id, task, attempt, n)
);

CREATE TABLE throughput (
  minute bigint NOT NULL,
  node varchar(255) COLLATE utf8mb4_bin NOT NULL,
  started int unsigned NOT NULL,
  completed int unsigned NOT NULL,
  failed int unsigned NOT NULL,
  canceled int unsigned NOT NULL,
  PRIMARY KEY (minute, node)
);
