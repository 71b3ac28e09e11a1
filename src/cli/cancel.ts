import type { Command } from 'commander';

import { type ClusterOptions, connectTo, withCluster } from './options.ts';
import { print, printJson } from './output.ts';

export function cancelCommand(program: Command): void {
  withCluster(program.command('cancel'))
    .description('cancel a workflow: its running tasks are told to stop')
    .argument('<id>', 'of the workflow')
    .option('--reason <text>', 'is kept with the workflow')
    .addHelpText(
      'after',
      `
Done once it is certain. What has ended otherwise cannot be canceled; what is canceled stays so.

Examples:
  $ temjob cancel order-42
  $ temjob cancel order-42 --reason 'the customer called'`,
    )
    .action(async (id: string, options: ClusterOptions & { readonly reason?: string }) => {
      await using client = await connectTo(options);
      await client.cancelWorkflow(id, options.reason);
      if (options.json) printJson({ id, state: 'canceled' });
      else print(`${id} is canceled`);
    });
}
