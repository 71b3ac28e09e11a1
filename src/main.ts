#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

import { Command, InvalidArgumentError } from 'commander';

// What is compiled once need not be at the next start: a third of the time that loading takes. Coverage would be coarse with it.
if (!process.env['NODE_V8_COVERAGE']) enableCompileCache();

/*
 * The command line. `dev` is what `npm start` runs; `node` is one process of a cluster. Each loads what it needs alone.
 */
const program = new Command('temjob').description(
  'A workflow runtime: every workflow is a durable actor.',
);

program
  .command('dev', { isDefault: true })
  .description(
    'a cluster of three nodes with private Redis and MySQL servers, the samples and the page',
  )
  .option(
    '-p, --port <port>',
    'port of the first node, 0 for any; a busy one moves to the next free one',
    numberWithin(0, 65_535),
    8088,
  )
  .option('-d, --data <directory>', 'where the private servers keep their data', '.temjob')
  .option('-n, --nodes <count>', 'node processes', numberWithin(1, 26), 3)
  .action(async ({ port, data, nodes }: { port: number; data: string; nodes: number }) => {
    try {
      const named = await serversNamedIn(process.env);
      const { runDev } = await import('#dev/supervisor.ts');
      process.exitCode = await runDev({
        entry: new URL(import.meta.url),
        out: process.stdout,
        port,
        dataDir: data,
        nodes,
        redisUrl: named.redis,
        mysqlUrl: named.mysql,
      });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'CONFIG_INVALID'))
        throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  });

program
  .command('node')
  .description('one node, on the servers of its configuration')
  .option(
    '-c, --config <file>',
    'YAML file; TEMJOB__SECTION__KEY in the environment goes before it',
  )
  .action(async ({ config }: { config?: string }) => {
    try {
      const { runNode } = await import('./runtime/node-main.ts');
      await runNode({ ...(config === undefined ? {} : { file: config }), env: process.env });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (process.send === undefined) process.stderr.write(`${message}\n`);
      process.send?.({ type: 'failed', message });
      process.exit(1);
    }
  });

await program.parseAsync();

/** Reading a configuration takes a tenth of a second of loading, which a start without one can do without. */
async function serversNamedIn(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly redis?: string; readonly mysql?: string }> {
  if (!Object.keys(env).some((name) => name.startsWith('TEMJOB__'))) return {};
  const { namedServers, readConfig } = await import('./runtime/config.ts');
  return namedServers(readConfig({ env }).config);
}

function numberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is needed.`);
  };
}
