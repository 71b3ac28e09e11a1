import type { JsonObject } from '#actors/json.ts';
import type { WorkflowState } from '#actors/workflow-state.ts';
import { mergedOutput } from '#actors/workflow-state.ts';

import type { WorkflowRow } from '../api.ts';

/** A workflow as a line of a list. */
export function workflowRow(
  state: WorkflowState,
  seq: number,
  show: { readonly payloads: boolean },
): WorkflowRow {
  const taskStates: Record<string, number> = {};
  for (const { status } of state.tasks) taskStates[status] = (taskStates[status] ?? 0) + 1;
  const error = state.failure?.message ?? state.cancelReason;
  const completed = state.status === 'completed';
  const none: JsonObject = {};
  return {
    id: state.id,
    name: state.name,
    version: state.version,
    state: state.status,
    seq,
    ...(error === null ? {} : { error }),
    created_at: iso(state.createdAt),
    ...(state.startedAt === null ? {} : { started_at: iso(state.startedAt) }),
    ...(state.endedAt === null ? {} : { ended_at: iso(state.endedAt) }),
    tags: state.tags,
    input: show.payloads ? state.input : none,
    ...(completed ? { output: show.payloads ? mergedOutput(state) : none } : {}),
    task_states: taskStates,
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
