import { fileURLToPath } from 'node:url';

import {
  actorQueue,
  type ActorDefinition,
  type Definition,
  type StepCode,
  type TaskContext,
  type TaskDefinition,
} from '#actors/definition.ts';
import type { Json } from '#actors/json.ts';
import type { TaskJob } from '#actors/work.ts';

/** The code that a thread can run, by queue key. Each thread has its own, loaded from the same modules. */
export class Registry {
  readonly #handlers = new Map<string, Found<AnyHandler>>();
  readonly #tasks = new Map<string, Found<TaskDefinition>>();
  readonly #workflows = new Map<string, Map<string, Found<AnyWorkflow>>>();
  readonly #actors = new Map<string, Found<ActorDefinition>>();

  /** Imports modules and keeps the definitions that they export. */
  static async load(
    modules: readonly string[],
    warn: (message: string) => void = () => undefined,
  ): Promise<Registry> {
    const registry = new Registry();
    for (const url of modules) {
      const definitions = await exportsOf(url);
      if (definitions.length === 0) {
        warn(`Task module ${url} exports no task, workflow or actor.`);
      }
      for (const definition of definitions) registry.add(definition, url);
    }
    return registry;
  }

  /** Everything that was added, workflows in all their versions. */
  get definitions(): readonly Definition[] {
    const workflows = [...this.#workflows.values()].flatMap((versions) => [...versions.values()]);
    return [...this.#tasks.values(), ...workflows, ...this.#actors.values()].map(
      (found) => found.code,
    );
  }

  get offers(): ReadonlySet<string> {
    return new Set([...this.#handlers.keys(), ...[...this.#actors.keys()].map(actorQueue)]);
  }

  /** `source` names where it came from, for the message when two places define the same thing differently. */
  add(definition: Definition, source: string): void {
    switch (definition.kind) {
      case 'task':
        this.#addTask(definition, source);
        break;
      case 'actor':
        put(this.#actors, definition.name, definition, source, `Actor '${definition.name}'`, same);
        break;
      case 'workflow':
        this.#addWorkflow(definition, source);
        break;
    }
  }

  has(definition: Definition): boolean {
    switch (definition.kind) {
      case 'task':
        return this.#tasks.get(definition.type)?.code === definition;
      case 'actor':
        return this.#actors.get(definition.name)?.code === definition;
      case 'workflow': {
        const versions = this.#workflows.get(definition.graph.name);
        return versions?.get(definition.graph.version)?.code === definition;
      }
    }
  }

  handler(queue: string, job?: TaskJob): AnyHandler | null {
    // A handler written in place belongs to a version of its workflow, when that version is here.
    const versions = job === undefined ? undefined : this.#workflows.get(job.workflow);
    if (job !== undefined && versions !== undefined && queue === inPlace(job.workflow, job.step)) {
      const run = versions.get(job.version)?.code.code[job.step]?.run;
      if (run !== undefined) return anyHandler(run);
    }
    return this.#handlers.get(queue)?.code ?? null;
  }

  /** `when` and `map` of a step: of the job's own version, else of another one that has a step of this name. */
  step(job: TaskJob): StepCode | null {
    const versions = this.#workflows.get(job.workflow);
    if (versions === undefined) return null;
    const own = versions.get(job.version);
    if (own !== undefined) return own.code.code[job.step] ?? {};
    // The newest that was added is the likeliest to be near.
    for (const { code } of [...versions.values()].toReversed()) {
      const step = code.code[job.step];
      if (step !== undefined) return step;
    }
    return null;
  }

  actor(name: string): AnyActor | null {
    const found = this.#actors.get(name)?.code;
    return found === undefined ? null : anyActor(found);
  }

  #addTask(task: TaskDefinition, source: string): void {
    const what = `Task type '${task.type}'`;
    put(this.#tasks, task.type, task, source, what, (a, b) => a.run === b.run);
    put(this.#handlers, task.type, anyHandler(task.run), source, what, same);
  }

  #addWorkflow(workflow: AnyWorkflow, source: string): void {
    const { name, version } = workflow.graph;
    const versions = this.#workflows.get(name) ?? new Map<string, Found<AnyWorkflow>>();
    put(versions, version, workflow, source, `Workflow '${name}' version ${version}`, sameCode);
    this.#workflows.set(name, versions);
    for (const [step, code] of Object.entries(workflow.code)) {
      if (code.run === undefined) continue;
      // Another version's handler of the same step is no conflict; the newest one stands in for versions that are not here.
      this.#handlers.set(inPlace(name, step), { code: anyHandler(code.run), source });
    }
    for (const task of workflow.tasks) this.#addTask(task, source);
  }
}

/** A handler as the runner calls it. What it is given was stored as JSON; that it fits is its author's promise. */
export type AnyHandler = (input: unknown, context: TaskContext) => unknown;

export interface AnyActor {
  readonly initialState: () => unknown;
  readonly on: Readonly<
    Record<string, (state: Json, message: Json, context: ActorContext) => unknown>
  >;
  readonly turnTimeoutMs: number;
}

type ActorContext = Parameters<ActorDefinition['on'][string]>[2];

type AnyWorkflow = Extract<Definition, { kind: 'workflow' }>;

interface Found<Code> {
  readonly code: Code;
  readonly source: string;
}

// The one place where handlers lose their types: a registry holds handlers of all types, see TaskHandler in #actors/definition.ts.
function anyHandler(run: TaskDefinition['run']): AnyHandler {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return run as AnyHandler;
}

function anyActor(definition: ActorDefinition): AnyActor {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return definition as unknown as AnyActor;
}

function put<Code>(
  into: Map<string, Found<Code>>,
  key: string,
  code: Code,
  source: string,
  what: string,
  equal: (a: Code, b: Code) => boolean,
): void {
  const found = into.get(key);
  if (found === undefined) {
    into.set(key, { code, source });
  } else if (!equal(found.code, code)) {
    const places =
      found.source === source ? `twice in ${source}` : `in ${found.source} and in ${source}`;
    throw new Error(
      `${what} is defined ${places}, with different code. Rename or remove one of them.`,
    );
  }
}

function same(a: unknown, b: unknown): boolean {
  return a === b;
}

function sameCode(a: AnyWorkflow, b: AnyWorkflow): boolean {
  const steps = new Set([...Object.keys(a.code), ...Object.keys(b.code)]);
  return [...steps].every((step) => {
    const [x, y] = [a.code[step], b.code[step]];
    return x?.run === y?.run && x?.when === y?.when && x?.map === y?.map;
  });
}

function inPlace(workflow: string, step: string): string {
  return `${workflow}/${step}`;
}

/** Named exports, the default export, and arrays of definitions. */
async function exportsOf(url: string): Promise<Definition[]> {
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (error) {
    const place = placeOf(error);
    const where = place === undefined ? '' : ` (${place})`;
    throw new Error(`Task module ${url} could not be imported: ${String(error)}${where}`, {
      cause: error,
    });
  }
  const found = Object.values(module).flat().filter(isDefinition);
  return [...new Set(found)];
}

const ownCode = fileURLToPath(new URL('../../', import.meta.url));

/**
 * `/app/orders.ts:12`, where Node says it: seldom is it the module itself that is broken, but what it imports. Of an error that is
 * thrown in here, such as that of a definition, it is the line that called.
 */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const places = [...stack.matchAll(/(?:^|[\s(])(?:file:\/\/)?(\/[^\s():]+:\d+)/g)].flatMap(
    ([, place]) => place ?? [],
  );
  return places.find((place) => !place.startsWith(ownCode)) ?? places[0];
}

function isDefinition(value: unknown): value is Definition {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  switch (value.kind) {
    case 'task':
      return 'run' in value && typeof value.run === 'function' && 'type' in value;
    case 'workflow':
      return 'graph' in value && 'code' in value && 'tasks' in value;
    case 'actor':
      return 'on' in value && 'name' in value;
    default:
      return false;
  }
}
