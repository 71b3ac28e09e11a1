import type { WorkflowRow } from '#http/live-protocol.ts';

/** The row of a workflow that was made at that time. */
export function row(n: number, more: Partial<WorkflowRow> = {}): WorkflowRow {
  return {
    id: `w${n}`,
    name: 'n',
    version: 'v',
    tags: {},
    state: 'running',
    seq: 1,
    created_at: time(n),
    task_states: {},
    ...more,
  };
}

/** The n-th second. */
export function time(n: number): string {
  return new Date(1_700_000_000_000 + n * 1_000).toISOString();
}
