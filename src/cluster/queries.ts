import type { Json } from '#actors/json.ts';
import { readWorkflowState } from '#actors/workflow-state.ts';

import type {
  DefinitionVersion,
  ListFilter,
  MinuteCounts,
  TaskFilter,
  TaskPage,
  WorkflowFilter,
  WorkflowPage,
  WorkflowSnapshot,
} from './api.ts';
import { ClusterError } from './api.ts';
import { cursorOf, placeOf } from './cursor.ts';
import type { DefinitionCache } from './definition-cache.ts';
import { workflowRow } from './live/workflow-row.ts';
import type { Store } from './mysql/store.ts';
import { minuteMs } from './mysql/throughput.ts';
import type { Search } from './mysql/workflow-search.ts';
import { taskFits, TaskSearch } from './task-search.ts';
import { minutesKept } from './throughput-counter.ts';

/** What is asked about many workflows at once: read from what is stored, whichever node is asked. */
export class Queries {
  readonly #store: Store;
  readonly #definitions: DefinitionCache;
  readonly #tasks: TaskSearch;

  constructor(store: Store, definitions: DefinitionCache) {
    this.#store = store;
    this.#definitions = definitions;
    this.#tasks = new TaskSearch(store.workflows, definitions);
  }

  async list({ limit, offset, cursor, ...filter }: ListFilter): Promise<WorkflowPage> {
    const asked = askedFor(filter);
    const { snapshots, next } = await this.#store.workflows.page(searchFor(filter), {
      limit,
      ...(offset === undefined ? {} : { offset }),
      ...(cursor === undefined ? {} : { after: placeAmong(asked, cursor) }),
    });
    return {
      rows: snapshots.map(({ data, seq }) => {
        const state = readWorkflowState(data);
        return workflowRow(state, seq, { payloads: true });
      }),
      next: next === null ? null : cursorOf(asked, [next.createdAt, next.id]),
    };
  }

  async count(filter: WorkflowFilter): Promise<number> {
    return await this.#store.workflows.count(searchFor(filter));
  }

  async tasks(filter: Omit<TaskFilter, 'workflowId'>): Promise<TaskPage> {
    return await this.#tasks.find(filter);
  }

  async definitionVersions(name: string): Promise<readonly DefinitionVersion[]> {
    const versions = await this.#definitions.versions(name);
    return versions.map(({ version, registeredAt }) => ({
      version,
      registered_at: new Date(registeredAt).toISOString(),
    }));
  }

  async throughput(minutes: number): Promise<readonly MinuteCounts[]> {
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > minutesKept) {
      const detail = `must be a whole number from 1 to ${minutesKept}`;
      throw new ClusterError('INVALID_INPUT', `?minutes: ${detail}`, {
        problems: [{ pointer: '?minutes', detail }],
      });
    }
    const last = Math.floor(Date.now() / minuteMs);
    const first = last - minutes + 1;
    const stored = await this.#store.throughput.read(first, last);
    const found = new Map(stored.map(({ minute, ...counts }) => [minute, counts]));
    const none = { started: 0, completed: 0, failed: 0, canceled: 0 };
    return Array.from({ length: minutes }, (_, index) => ({
      at: new Date((first + index) * minuteMs).toISOString(),
      ...(found.get(first + index) ?? none),
    }));
  }
}

/** A page of the tasks of one workflow. */
export function tasksOf(snapshot: WorkflowSnapshot, filter: TaskFilter): TaskPage {
  const { limit, cursor, workflowId, type, node, states } = filter;
  const asked = [
    'tasks of',
    workflowId ?? null,
    type ?? null,
    node ?? null,
    states?.toSorted() ?? null,
  ];
  const [from] = cursor === undefined ? [0] : placeOf(asked, cursor, ['number']);
  const fitting = snapshot.tasks.flatMap((task, step) =>
    step >= from && taskFits(task, filter) ? [{ task, step }] : [],
  );
  const over = fitting[limit];
  return {
    tasks: fitting.slice(0, limit).map(({ task }) => task),
    next: over === undefined ? null : cursorOf(asked, [over.step]),
  };
}

function searchFor({ name, ...filter }: WorkflowFilter): Search {
  return { ...filter, ...(name === undefined ? {} : { names: [name] }) };
}

/** What a cursor of a list is bound to. */
export function askedFor(filter: WorkflowFilter) {
  const { states, name, idPrefix, tags = {}, createdAfter, createdBefore } = filter;
  return [
    'workflows',
    states?.toSorted() ?? null,
    name ?? null,
    idPrefix ?? null,
    Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    createdAfter ?? null,
    createdBefore ?? null,
  ];
}

function placeAmong(asked: Json, cursor: string) {
  const [createdAt, id] = placeOf(asked, cursor, ['number', 'text']);
  return { createdAt, id };
}
