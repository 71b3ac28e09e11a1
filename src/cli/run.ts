import type { Command } from 'commander';

import { isJsonObject, type JsonObject } from '#actors/json.ts';

import { UsageError } from './failures.ts';
import { jsonOf } from './json-argument.ts';
import { type ClusterOptions, connectTo, tagsOption, withCluster } from './options.ts';
import { print, printJson } from './output.ts';

interface RunOptions extends ClusterOptions {
  readonly watch?: true;
  readonly id?: string;
  readonly tag?: Readonly<Record<string, string>>;
}

export function runCommand(program: Command): void {
  withCluster(program.command('run'))
    .description('start a workflow, and print its id')
    .argument('<name>', 'of the definition')
    .argument('[input]', 'JSON object; - reads it from stdin', '{}')
    .option('-w, --watch', 'tell what happens until it ends; fails when the workflow fails')
    .option('--id <id>', 'of the workflow, chosen by you: a second start with it is refused')
    .addOption(tagsOption('to find it by; may be repeated'))
    .addHelpText(
      'after',
      `
With --watch and --json there is one JSON object a line: of each task as it changes, {"task": …},
and of the workflow at its end, {"workflow": …}. Ctrl-C ends the watching, not the workflow.

Examples:
  $ temjob run notification_workflow '{"recipient": "ada@example.com"}'
  $ temjob run notification_workflow '{"recipient": "ada@example.com"}' --id mail-42 --tag team=billing --watch
  $ jq -n '{order: 42}' | temjob run order_processing -`,
    )
    .action(async (name: string, given: string, options: RunOptions) => {
      const input = await inputOf(given);
      await using client = await connectTo(options);
      const { id, tag } = options;
      const handle = await client.start(name, input, {
        ...(id === undefined ? {} : { id }),
        ...(tag === undefined ? {} : { tags: tag }),
      });
      if (options.watch) {
        const { watch } = await import('./watch.ts');
        process.exitCode = await watch(handle, { json: options.json === true });
      } else if (options.json) {
        printJson({ id: handle.id });
      } else {
        print(handle.id);
      }
    });
}

async function inputOf(given: string): Promise<JsonObject> {
  const example = '{"order": 42}';
  const input = await jsonOf('the input', given, example);
  if (isJsonObject(input)) return input;
  throw new UsageError(`the input has to be a JSON object, like '${example}', not ${given}`);
}
