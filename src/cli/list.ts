import { type Command, InvalidArgumentError } from 'commander';

import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { WorkflowRow } from '#cluster/api.ts';

import {
  type ClusterOptions,
  connectTo,
  numberWithin,
  tagsOption,
  withCluster,
} from './options.ts';
import { colored, print, printJson, short, spanText, stateText, table } from './output.ts';

interface ListOptions extends ClusterOptions {
  readonly limit: number;
  readonly cursor?: string;
  readonly state?: readonly WorkflowStatus[];
  readonly name?: string;
  readonly tag?: Readonly<Record<string, string>>;
}

export function listCommand(program: Command): void {
  withCluster(program.command('list'))
    .description('the newest workflows')
    .option('--state <states>', `only those in one of these states: ${states.join(',')}`, statesOf)
    .option('--name <name>', 'only those of this definition')
    .addOption(tagsOption('only those with this tag; may be repeated'))
    .option('--limit <count>', 'so many at most', numberWithin(1, 200), 20)
    .option('--cursor <text>', 'go on where the list before ended')
    .addHelpText(
      'after',
      `
With --json there are the workflows, and a next_cursor when there are more.

Examples:
  $ temjob list --state failed
  $ temjob list --name order_processing --tag team=billing --limit 100
  $ temjob list --state failed --json | jq -r '.workflows[].id' | xargs -n 1 temjob retry`,
    )
    .action(async (options: ListOptions) => {
      await using client = await connectTo(options);
      const { limit, cursor, state, name, tag } = options;
      const { rows, next } = await client.listPage({
        limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(state === undefined ? {} : { states: state }),
        ...(name === undefined ? {} : { name }),
        ...(tag === undefined ? {} : { tags: tag }),
      });
      if (options.json) {
        printJson({ workflows: rows, next_cursor: next });
        return;
      }
      print(rows.length === 0 ? colored('dim', 'no workflows') : table(columns, rows.map(rowOf)));
      // Beside the table, which a program may read.
      if (next !== null) process.stderr.write(`more with --cursor ${next}\n`);
    });
}

const states: readonly WorkflowStatus[] = ['pending', 'running', 'completed', 'failed', 'canceled'];

function statesOf(text: string): readonly WorkflowStatus[] {
  return text.split(',').map((name) => {
    const state = states.find((one) => one === name.trim());
    if (state !== undefined) return state;
    throw new InvalidArgumentError(`Those are ${states.join(', ')}.`);
  });
}

const columns = ['ID', 'NAME', 'STATE', 'TASKS', 'STARTED', 'TOOK', 'ERROR'];

function rowOf(row: WorkflowRow): readonly string[] {
  const { completed = 0, skipped = 0 } = row.task_states;
  const all = Object.values(row.task_states).reduce((sum, some) => sum + some, 0);
  const created = Date.parse(row.created_at);
  const took = (row.ended_at === undefined ? Date.now() : Date.parse(row.ended_at)) - created;
  return [
    row.id,
    row.name,
    stateText(row.state),
    `${completed + skipped}/${all}`,
    row.created_at.replace('T', ' ').slice(0, 19),
    spanText(took),
    short(row.error ?? '', 60),
  ];
}
