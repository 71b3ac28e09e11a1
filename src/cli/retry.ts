import type { Command } from 'commander';

import { type ClusterOptions, connectTo, withCluster } from './options.ts';
import { print, printJson } from './output.ts';

export function retryCommand(program: Command): void {
  withCluster(program.command('retry'))
    .description('open a failed workflow again, from the steps that failed')
    .argument('<id>', 'of the workflow')
    .addHelpText(
      'after',
      `
Steps that completed are not run again. Only what has failed can be retried.

Example:
  $ temjob retry order-42 && temjob show order-42`,
    )
    .action(async (id: string, options: ClusterOptions) => {
      await using client = await connectTo(options);
      await client.workflow(id).retry();
      if (options.json) printJson({ id, state: 'running' });
      else print(`${id} goes on from its failed steps`);
    });
}
