import type { Pool } from './pool.ts';
import { text, textOrNull } from './row.ts';

/**
 * The settings under which the server would lose or fork what it acknowledged. Each problem says what was found and how to
 * fix it; none means that the server can be trusted.
 */
export async function checkSettings(pool: Pool): Promise<readonly string[]> {
  const rows = await pool.rows(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(',')})`,
  );
  return problemsOf(
    new Map(rows.map((row) => [text(row, 'Variable_name'), textOrNull(row, 'Value') ?? ''])),
  );
}

const names = [
  'version',
  'innodb_flush_log_at_trx_commit',
  'log_bin',
  'sync_binlog',
  'binlog_format',
  'wsrep_on',
  'read_only',
  'super_read_only',
  'max_allowed_packet',
  'group_replication_single_primary_mode',
  'group_replication_group_name',
] as const;

/** The judgement alone, for the variables that the server has. */
export function problemsOf(found: ReadonlyMap<string, string>): readonly string[] {
  const value = (name: (typeof names)[number]): string => found.get(name) ?? '';
  const problems: string[] = [];

  const version = value('version');
  const isMariaDb = /mariadb/i.test(version);
  const oldest = isMariaDb ? [10, 6] : [8, 0];
  if (compare(numbersOf(version), oldest) < 0) {
    problems.push(`the server is ${version}: use MariaDB 10.6 or newer, or MySQL 8.0 or newer`);
  }
  if (value('innodb_flush_log_at_trx_commit') !== '1') {
    problems.push(
      `innodb_flush_log_at_trx_commit is ${value('innodb_flush_log_at_trx_commit')}, so a crash of the machine loses what was acknowledged: SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in the server's configuration`,
    );
  }
  if (isOn(value('log_bin'))) {
    if (value('sync_binlog') !== '1') {
      problems.push(
        `log_bin is on and sync_binlog is ${value('sync_binlog')}, so replicas and the server differ after a crash: SET GLOBAL sync_binlog = 1, and in the server's configuration`,
      );
    }
    // A variable that MySQL has deprecated; ROW is all that is left once it has gone.
    if (!['ROW', ''].includes(value('binlog_format'))) {
      problems.push(
        `binlog_format is ${value('binlog_format')}, which may apply our statements differently on a replica: SET GLOBAL binlog_format = 'ROW', and in the server's configuration`,
      );
    }
  }
  if (isOn(value('wsrep_on'))) {
    problems.push(
      'wsrep_on is ON: Galera does not carry the row locks that fence a stale owner from one primary to another: use one primary with replicas, or Group Replication in single-primary mode',
    );
  }
  if (
    value('group_replication_group_name') !== '' &&
    !isOn(value('group_replication_single_primary_mode'))
  ) {
    problems.push(
      'group_replication_single_primary_mode is OFF: row locks that fence a stale owner do not reach other primaries: SELECT group_replication_switch_to_single_primary_mode()',
    );
  }
  if (isOn(value('read_only')) || isOn(value('super_read_only'))) {
    problems.push(
      'read_only is ON: this is a replica or a demoted primary: point the MySQL URL at the primary, or SET GLOBAL read_only = OFF',
    );
  }
  const packet = Number(value('max_allowed_packet'));
  if (packet < 16 * 1024 * 1024) {
    problems.push(
      `max_allowed_packet is ${packet} bytes, less than a batch may have: SET GLOBAL max_allowed_packet = 67108864, and in the server's configuration`,
    );
  }
  return problems;
}

/** Also `NO_LOCK` and the like, by which MariaDB 11 says yes. */
function isOn(value: string): boolean {
  return !['', '0', 'OFF'].includes(value.toUpperCase());
}

function numbersOf(version: string): readonly number[] {
  return version.split(/[.-]/, 2).map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}
