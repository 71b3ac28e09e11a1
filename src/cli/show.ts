import type { Command } from 'commander';

import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';

import { type ClusterOptions, connectTo, withCluster } from './options.ts';
import { facts, print, printJson, short, spanText, stateText, table } from './output.ts';
import { whyText } from './why-text.ts';

export function showCommand(program: Command): void {
  withCluster(program.command('show'))
    .description('one workflow with its tasks, and why it is not done yet')
    .argument('<id>', 'of the workflow')
    .addHelpText(
      'after',
      `
Examples:
  $ temjob show order-42
  $ temjob show order-42 --json | jq .workflow.output`,
    )
    .action(async (id: string, options: ClusterOptions) => {
      await using client = await connectTo(options);
      const handle = client.workflow(id);
      const [workflow, tasks] = await Promise.all([handle.describe(), handle.tasks()]);
      if (options.json) printJson({ workflow, tasks });
      else print(textOf(workflow, tasks));
    });
}

function textOf(workflow: WorkflowView, tasks: readonly TaskView[]): string {
  const { created_at: created, ended_at: ended, output } = workflow;
  const until = ended === undefined ? Date.now() : Date.parse(ended);
  const head = facts([
    ['id', workflow.id],
    ['workflow', `${workflow.name} ${workflow.version}`],
    ['state', stateText(workflow.state)],
    ['created', created],
    ['ended', ended],
    ['took', spanText(until - Date.parse(created))],
    ['tags', tagsText(workflow.tags)],
    ['why', workflow.why === undefined ? undefined : whyText(workflow.why, Date.now())],
    ['error', workflow.error],
  ]);
  const parts = [head, table(columns, tasks.map(rowOf))];
  if (output !== undefined) parts.push(`output\n${JSON.stringify(output, null, 2)}`);
  return parts.join('\n\n');
}

const columns = ['STEP', 'TASK', 'STATE', 'ATTEMPT', 'TOOK', 'NODE', 'PROGRESS', 'ERROR'];

function rowOf(task: TaskView): readonly string[] {
  return [
    task.step,
    task.type === task.step ? '' : task.type,
    stateText(task.state),
    task.attempt === 0 ? '' : `${task.attempt} of ${task.max_retries + 1}`,
    tookText(task),
    (task.worker_id ?? '').replace(/~.*/, ''),
    progressText(task),
    short(task.error ?? task.reason ?? '', 60),
  ];
}

function tookText({ started_at: started, completed_at: completed }: TaskView): string {
  if (started === undefined) return '';
  return spanText(
    (completed === undefined ? Date.now() : Date.parse(completed)) - Date.parse(started),
  );
}

export function progressText({ progress, state }: TaskView): string {
  if (progress === undefined || state !== 'running') return '';
  const { fraction, note } = progress;
  return [fraction === null ? '' : `${Math.round(fraction * 100)} %`, note ?? '']
    .filter(Boolean)
    .join(' ');
}

function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
