#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';

import { runDev } from '#dev/supervisor.ts';

import { runNode } from './runtime/node-main.ts';

/** The command line. `dev` is what `npm start` runs; `node` is one process of a cluster. */
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
    'port of the first node; a busy one moves to the next free one',
    number,
    8088,
  )
  .option('-d, --data <directory>', 'where the private servers keep their data', '.temjob')
  .option('-n, --nodes <count>', 'node processes', number, 3)
  .action(async ({ port, data, nodes }: { port: number; data: string; nodes: number }) => {
    const { TEMJOB__REDIS__URL: redisUrl, TEMJOB__DATABASE__MYSQL__URL: mysqlUrl } = process.env;
    process.exitCode = await runDev({
      entry: new URL(import.meta.url),
      out: process.stdout,
      port,
      dataDir: data,
      nodes,
      redisUrl,
      mysqlUrl,
    });
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
      await runNode({ ...(config === undefined ? {} : { file: config }), env: process.env });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (process.send === undefined) process.stderr.write(`${message}\n`);
      process.send?.({ type: 'failed', message });
      process.exit(1);
    }
  });

await program.parseAsync();

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('a whole number is needed');
  return value;
}
