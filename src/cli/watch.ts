import type { JsonObject } from '#actors/json.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import { ClusterError } from '#cluster/api.ts';
import { WorkflowCanceledError, WorkflowFailedError } from '#sdk/client-errors.ts';
import type { WorkflowHandle } from '#sdk/handle.ts';

import { exitCodes } from './exit-codes.ts';
import { colored, print, printJsonLine, short, spanText, stateText } from './output.ts';
import { progressText } from './show.ts';

/** Between two looks at the tasks; the end is told at once. */
const everyMs = 500;
/** So long may the node be away. */
const patienceMs = 30_000;

/** Tells each change of a task until the workflow has ended; resolves to the exit code. */
export async function watch(
  handle: WorkflowHandle<JsonObject>,
  { json }: { readonly json: boolean },
): Promise<number> {
  if (!json) print(`${handle.id} is started`);
  const told = new Map<string, string>();
  const tell = (tasks: readonly TaskView[]): void => {
    const width = Math.max(...tasks.map(({ step }) => step.length));
    for (const task of tasks) {
      const news = [task.state, task.attempt, progressText(task)].join('|');
      if (told.get(task.id) === news) continue;
      const isFirst = !told.has(task.id);
      told.set(task.id, news);
      if (json) printJsonLine({ task });
      else if (!isFirst || task.state !== 'pending') print(lineOf(task, width));
    }
  };
  for (let isOver = false; !isOver;) {
    isOver = await hasEnded(handle);
    tell(await patiently(async () => await handle.tasks()));
  }
  const workflow = await patiently(async () => await handle.describe());
  if (json) printJsonLine({ workflow });
  else print(endOf(workflow));
  return workflow.state === 'completed' ? 0 : exitCodes.failed;
}

/** Waits a while for the end. */
async function hasEnded(handle: WorkflowHandle<JsonObject>): Promise<boolean> {
  return await patiently(async () => {
    try {
      await handle.result({ timeout: everyMs });
      return true;
    } catch (error) {
      if (error instanceof WorkflowFailedError || error instanceof WorkflowCanceledError)
        return true;
      if (error instanceof ClusterError && error.code === 'TIMEOUT') return false;
      throw error;
    }
  });
}

/** A node that goes down is waited for, or for the one that takes its place. */
async function patiently<Value>(ask: () => Promise<Value>): Promise<Value> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const retryAfterMs = error instanceof ClusterError ? error.retryAfterMs : null;
      if (retryAfterMs === null || performance.now() + retryAfterMs > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
    }
  }
}

function lineOf(task: TaskView, width: number): string {
  const { started_at: started, completed_at: completed, worker_id: worker } = task;
  const at = completed ?? started ?? new Date().toISOString();
  const took =
    started !== undefined && completed !== undefined
      ? spanText(Date.parse(completed) - Date.parse(started))
      : '';
  const details = [
    took,
    task.attempt > 1 ? `attempt ${task.attempt} of ${task.max_retries + 1}` : '',
    worker === undefined ? '' : `on ${worker.replace(/~.*/, '')}`,
    progressText(task),
    short(task.error ?? task.reason ?? ''),
  ];
  const time = new Date(at).toTimeString().slice(0, 8);
  const state = stateText(task.state) + ' '.repeat(Math.max(0, 9 - task.state.length));
  return `${colored('dim', time)}  ${state}  ${task.step.padEnd(width)}  ${details.filter(Boolean).join(', ')}`.trimEnd();
}

function endOf(workflow: WorkflowView): string {
  const { created_at: created, ended_at: ended, output, error } = workflow;
  const took =
    ended === undefined ? '' : ` in ${spanText(Date.parse(ended) - Date.parse(created))}`;
  const head = `${workflow.id} is ${stateText(workflow.state)}${took}`;
  if (output !== undefined) return `${head}\n${JSON.stringify(output, null, 2)}`;
  const step = workflow.failure?.step;
  const place = step === undefined ? '' : ` at ${step}`;
  return `${head}${place}${error === undefined ? '' : `: ${error}`}`;
}
