import type { Command } from 'commander';

import { jsonOf } from './json-argument.ts';
import { type ClusterOptions, connectTo, withCluster } from './options.ts';
import { print, printJson } from './output.ts';

export function signalCommand(program: Command): void {
  withCluster(program.command('signal'))
    .description('send a workflow the signal that one of its steps waits for')
    .argument('<id>', 'of the workflow')
    .argument('<signal>', 'the name of the step')
    .argument('[payload]', 'JSON, the output of the step; - reads it from stdin')
    .option('--request-id <text>', 'the same again is the same signal: safe to repeat')
    .addHelpText(
      'after',
      `
Done once it will not be lost. A signal that comes before its step's turn is kept until then; each comes once.

Example:
  $ temjob signal expense-7 approve '{"approved": true, "by": "ada"}'`,
    )
    .action(
      async (
        id: string,
        signal: string,
        given: string | undefined,
        options: ClusterOptions & { readonly requestId?: string },
      ) => {
        const payload =
          given === undefined
            ? undefined
            : await jsonOf('the payload', given, '{"approved": true}');
        await using client = await connectTo(options);
        const { requestId } = options;
        await client
          .workflow(id)
          .signal(signal, payload, requestId === undefined ? {} : { requestId });
        if (options.json) printJson({ id, signal });
        else print(`${id} has the signal ${signal}`);
      },
    );
}
