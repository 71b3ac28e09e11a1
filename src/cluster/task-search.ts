import type { Json } from '#actors/json.ts';
import type { Plan } from '#actors/plan.ts';
import type { TaskState, TaskStatus, WorkflowStatus } from '#actors/workflow-state.ts';
import { readWorkflowState } from '#actors/workflow-state.ts';
import type { TaskView } from '#actors/workflow-view.ts';
import { taskViews } from '#actors/workflow-view.ts';

import type { TaskFilter, TaskPage } from './api.ts';
import { cursorOf, placeOf } from './cursor.ts';
import type { DefinitionCache } from './definition-cache.ts';
import { memberName } from './members/member.ts';
import type { Snapshot } from './mysql/snapshots.ts';
import type { Search } from './mysql/workflow-search.ts';
import type { WorkflowsQuery } from './mysql/workflows-query.ts';

/** What one call looks through at most; a page that is not full by then has a cursor to go on from. */
const workflowsPerCall = 500;
const bytesPerCall = 8 * 1024 * 1024;
/** Workflows are read in bunches of about this size. */
const bytesPerRead = 1024 * 1024;
const firstRead = 50;
const mostPerRead = 200;
/** More states and names than this are not looked for one by one: the workflows are looked through as they come. */
const runsLimit = 24;

/** Where a page goes on: in this workflow from this step, or after it when the step is `whole`. */
interface TaskPlace {
  readonly createdAt: number;
  readonly id: string;
  readonly step: number;
}

const whole = -1;

type Wanted = Pick<TaskFilter, 'type' | 'states' | 'node'>;

/**
 * Finds tasks. They have no rows of their own: a task is a part of its workflow's snapshot. So the workflows that can have
 * such a task are looked through, the newest first.
 */
export class TaskSearch {
  readonly #workflows: WorkflowsQuery;
  readonly #definitions: DefinitionCache;

  constructor(workflows: WorkflowsQuery, definitions: DefinitionCache) {
    this.#workflows = workflows;
    this.#definitions = definitions;
  }

  async find({ limit, cursor, ...filter }: Omit<TaskFilter, 'workflowId'>): Promise<TaskPage> {
    const asked = askedFor(filter);
    const search = await this.#searchFor(filter);
    const found: TaskView[] = [];
    const lookedAt = { workflows: 0, bytes: 0 };
    let place = cursor === undefined ? null : placeAmong(asked, cursor);
    const pageEndingAt = ({ createdAt, id, step }: TaskPlace): TaskPage => ({
      tasks: found,
      next: cursorOf(asked, [createdAt, id, step]),
    });
    for (;;) {
      const { snapshots, next } = await this.#workflows.page(search, {
        ...(place === null ? {} : { after: { ...place, inclusive: place.step !== whole } }),
        limit: nextRead(lookedAt),
      });
      for (const snapshot of snapshots) {
        lookedAt.workflows += 1;
        lookedAt.bytes += snapshot.data.length;
        const from = snapshot.id === place?.id ? place.step : 0;
        const { tasks, next: step } = await this.#tasksOf(snapshot, filter, {
          from,
          limit: limit - found.length,
        });
        found.push(...tasks);
        if (step !== null) return pageEndingAt({ ...snapshot, step });
      }
      if (next === null) return { tasks: found, next: null };
      place = { ...next, step: whole };
      const { workflows, bytes } = lookedAt;
      if (workflows >= workflowsPerCall || bytes >= bytesPerCall || found.length === limit) {
        return pageEndingAt(place);
      }
    }
  }

  async #searchFor({ type, states }: Wanted): Promise<Search> {
    const inStates = states === undefined ? undefined : workflowStatesOf(states);
    const narrowed = inStates === undefined ? {} : { states: inStates };
    if (type === undefined) return narrowed;
    const names = await this.#definitions.namesWithTask(type);
    const runs = names.length * (inStates ?? allStates).length;
    return runs > runsLimit ? narrowed : { ...narrowed, names };
  }

  /** Its tasks that fit, and the step of the first one that there was no room for. */
  async #tasksOf(
    { name, version, data }: Snapshot,
    wanted: Wanted,
    { from, limit }: { from: number; limit: number },
  ): Promise<{ readonly tasks: readonly TaskView[]; readonly next: number | null }> {
    const plan = mentions(data, wanted) ? await this.#definitions.plan(name, version) : null;
    if (plan === null) return { tasks: [], next: null };
    const state = readWorkflowState(data);
    const fitting = state.tasks.flatMap((task, step) =>
      step >= from && fits(plan, step, task, wanted) ? [step] : [],
    );
    const shown = new Set(fitting.slice(0, limit));
    return { tasks: taskViews(plan, state, shown), next: fitting[limit] ?? null };
  }
}

/** Whether it is worth while to parse the text of a state: most of those that are looked through have no such task. */
function mentions(data: string, { states, node }: Wanted): boolean {
  const says = (key: string, value: string): boolean =>
    data.includes(`"${key}":${JSON.stringify(value).slice(0, -1)}`);
  return (
    (states === undefined || states.some((state) => says('status', state))) &&
    (node === undefined || says('node', node))
  );
}

function fits(plan: Plan, step: number, task: TaskState, { type, states, node }: Wanted): boolean {
  return (
    (type === undefined || plan.steps[step]?.step.task === type) &&
    (states === undefined || states.includes(task.status)) &&
    (node === undefined || isOn(task.node, node))
  );
}

/** Whether a task of one workflow, as it is shown, is one of those that are asked for. */
export function taskFits(task: TaskView, { type, states, node }: Wanted): boolean {
  return (
    (type === undefined || task.type === type) &&
    (states === undefined || states.includes(task.state)) &&
    (node === undefined || isOn(task.worker_id ?? null, node))
  );
}

function isOn(where: string | null, node: string): boolean {
  return where !== null && (where === node || memberName(where) === node);
}

const allStates: readonly WorkflowStatus[] = [
  'pending',
  'running',
  'completed',
  'failed',
  'canceled',
];

/** The states in which a workflow can have a task in one of these. */
export function workflowStatesOf(states: readonly TaskStatus[]): readonly WorkflowStatus[] {
  const possible = new Set(states.flatMap((state) => workflowsWith[state]));
  return allStates.filter((state) => possible.has(state));
}

// A workflow that was opened again is pending, and has tasks that have ended.
const workflowsWith: Readonly<Record<TaskStatus, readonly WorkflowStatus[]>> = {
  pending: ['pending', 'running'],
  waiting: ['running'],
  running: ['running'],
  retrying: ['running'],
  completed: allStates,
  failed: allStates,
  canceled: allStates,
  skipped: allStates,
};

function nextRead({ workflows, bytes }: { workflows: number; bytes: number }): number {
  if (workflows === 0) return firstRead;
  const fitting = Math.floor(bytesPerRead / (bytes / workflows));
  return Math.max(1, Math.min(fitting, mostPerRead, workflowsPerCall - workflows));
}

function askedFor({ type, states, node }: Wanted) {
  return ['tasks', type ?? null, states?.toSorted() ?? null, node ?? null];
}

function placeAmong(asked: Json, cursor: string): TaskPlace {
  const [createdAt, id, step] = placeOf(asked, cursor, ['number', 'text', 'number']);
  return { createdAt, id, step };
}
