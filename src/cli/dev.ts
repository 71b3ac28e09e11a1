import type { Command } from 'commander';

import { numberWithin } from './options.ts';

interface DevCommandOptions {
  readonly port: number;
  readonly data: string;
  readonly nodes: number;
  readonly modules?: readonly string[];
  readonly reset?: true;
  readonly json?: true;
}

export function devCommand(program: Command): void {
  program
    .command('dev', { isDefault: true })
    .description(
      'a cluster of three nodes with private Redis and MySQL servers, the samples and the console; also what temjob alone does',
    )
    .option(
      '-p, --port <port>',
      'port of the first node, 0 for any; a busy one moves to the next free one',
      numberWithin(0, 65_535),
      8088,
    )
    .option('-d, --data <directory>', 'where the private servers keep their data', '.temjob')
    .option('-n, --nodes <count>', 'node processes', numberWithin(1, 26), 3)
    .option('-m, --modules <files...>', 'modules with your workflows, instead of the samples')
    .option('--reset', 'forget what the private servers have kept, and begin anew')
    .option('--json', 'a JSON object a line on stdout, for programs')
    .addHelpText(
      'after',
      `
The state is kept in the directory: the next start goes on where this one ended. When a file that
your modules are made of is saved, the nodes restart with it, one by one; workflows that run stay
on the version they began with, and those that start then have the new one. Servers that
TEMJOB__REDIS__URL and TEMJOB__DATABASE__MYSQL__URL name are used instead of private ones.

Examples:
  $ temjob dev
  $ temjob dev --port 9000 --nodes 5
  $ temjob dev --modules ./orders.ts`,
    )
    .action(async ({ port, data, nodes, modules, reset, json }: DevCommandOptions) => {
      const named = await serversNamedIn(process.env);
      const { runDev } = await import('#dev/supervisor.ts');
      process.exitCode = await runDev({
        entry: new URL('../main.ts', import.meta.url),
        out: process.stdout,
        port,
        dataDir: data,
        nodes,
        modules,
        reset,
        json,
        redisUrl: named.redis,
        mysqlUrl: named.mysql,
      });
    });
}

/** Reading a configuration takes a tenth of a second of loading, which a start without one can do without. */
async function serversNamedIn(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly redis?: string; readonly mysql?: string }> {
  if (!Object.keys(env).some((name) => name.startsWith('TEMJOB__'))) return {};
  const { namedServers, readConfig } = await import('../runtime/config.ts');
  return namedServers(readConfig({ env }).config);
}
