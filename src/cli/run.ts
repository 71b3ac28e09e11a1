import { text } from 'node:stream/consumers';

import type { Command } from 'commander';

import type { Json, JsonObject } from '#actors/json.ts';

import { UsageError } from './failures.ts';
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
      const input = inputOf(given === '-' ? await text(process.stdin) : given);
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

function inputOf(given: string): JsonObject {
  let input: Json;
  try {
    input = JSON.parse(given);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `the input is not JSON: ${why}. Quote it for the shell, like '{"order": 42}'.`,
    );
  }
  if (typeof input === 'object' && input !== null && !isList(input)) return input;
  throw new UsageError(`the input has to be a JSON object, like '{"order": 42}', not ${given}`);
}

function isList(value: JsonObject | readonly Json[]): value is readonly Json[] {
  return Array.isArray(value);
}
