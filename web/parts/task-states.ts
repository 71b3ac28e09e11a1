import type { TaskCard, TaskState } from '#http/live-protocol.ts';

/** What many tasks are together, for one icon. */
export function stateOfAll(tasks: readonly TaskCard[]): TaskState {
  const has = (state: TaskState): boolean => tasks.some((task) => task.state === state);
  if (has('running')) return 'running';
  if (has('retrying')) return 'retrying';
  if (has('waiting')) return 'waiting';
  if (has('pending')) return tasks.some(({ completed_at }) => completed_at) ? 'running' : 'pending';
  if (has('failed')) return 'failed';
  if (has('canceled')) return 'canceled';
  return has('completed') ? 'completed' : 'skipped';
}

/** How many tasks are in which state. */
export function countsOf(tasks: readonly TaskCard[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
