import { expect } from 'chai';

import { problemsOf } from '#cluster/mysql/settings.ts';

import { freshStore } from './store.ts';

describe('settings of the server', () => {
  it('of the test server are good', async () => {
    await using world = await freshStore();

    expect(await world.store.checkSettings()).to.be.empty;
  });

  const good = {
    version: '10.11.19-MariaDB',
    innodb_flush_log_at_trx_commit: '1',
    log_bin: 'ON',
    sync_binlog: '1',
    binlog_format: 'ROW',
    wsrep_on: 'OFF',
    read_only: 'OFF',
    max_allowed_packet: '16777216',
  };

  it('that are good have no problems, with and without a binlog, on MariaDB and MySQL', () => {
    for (const of of [
      {},
      { log_bin: 'OFF', sync_binlog: '0' },
      { version: '9.7.4', wsrep_on: '' },
    ]) {
      expect(problemsOf(new Map(Object.entries({ ...good, ...of })))).to.be.empty;
    }
  });

  const bad = [
    [{ innodb_flush_log_at_trx_commit: '2' }, 'SET GLOBAL innodb_flush_log_at_trx_commit = 1'],
    [{ sync_binlog: '0' }, 'SET GLOBAL sync_binlog = 1'],
    [{ binlog_format: 'MIXED' }, "SET GLOBAL binlog_format = 'ROW'"],
    [{ wsrep_on: 'ON' }, 'use one primary'],
    [
      { group_replication_group_name: 'g', group_replication_single_primary_mode: 'OFF' },
      'group_replication_switch_to_single_primary_mode',
    ],
    [{ read_only: 'ON' }, 'point the MySQL URL at the primary'],
    [{ super_read_only: 'ON' }, 'point the MySQL URL at the primary'],
    [{ read_only: 'NO_LOCK' }, 'point the MySQL URL at the primary'],
    [{ max_allowed_packet: '1048576' }, 'SET GLOBAL max_allowed_packet'],
    [{ version: '5.7.44' }, 'MySQL 8.0 or newer'],
    [{ version: '10.5.1-MariaDB' }, 'MariaDB 10.6 or newer'],
  ] as const;

  for (const [setting, fix] of bad) {
    it(`that are bad (${JSON.stringify(setting)}) are refused with the fix`, () => {
      const problems = problemsOf(new Map(Object.entries({ ...good, ...setting })));

      expect(problems).to.have.length(1);
      expect(problems[0]).to.contain(fix);
    });
  }
});
