import type { Command } from 'commander';

import { configHelp, type ConfigOptions, sourcesOf, withConfig } from './options.ts';
import { print, printJson } from './output.ts';

export function migrateCommand(program: Command): void {
  withConfig(program.command('migrate'))
    .description('bring the database to the schema of this version')
    .option('--json', 'JSON on stdout, for programs')
    .addHelpText(
      'after',
      `${configHelp}

Every node does so at its start; this is for databases that nodes may not change, with an account
that may. Several at once are fine.

Example:
  $ temjob migrate --config config.yaml`,
    )
    .action(async (options: ConfigOptions & { readonly json?: true }) => {
      const { mysqlUrl, readConfig, requireServers } = await import('../runtime/config.ts');
      const { Store } = await import('#cluster/mysql/store.ts');
      const { config } = readConfig(sourcesOf(options));
      requireServers(config, options.config);
      const store = await Store.open(mysqlUrl(config), { shards: config.cluster.shards });
      try {
        const { applied } = await store.migrate();
        if (options.json) printJson({ applied });
        else if (applied.length === 0) print('the schema is up to date');
        else print(`applied ${applied.join(', ')}`);
      } finally {
        await store.close();
      }
    });
}
