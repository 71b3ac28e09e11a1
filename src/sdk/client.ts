import { randomUUID } from 'node:crypto';

import type {
  AnyWorkflow,
  TaskDefinition,
  TaskHandler,
  WorkflowDefinition,
} from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';
import { parseDuration } from '#actors/duration.ts';
import { actorId } from '#actors/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '#actors/json.ts';
import type { Tags } from '#actors/tags.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type { ListFilter, WorkflowPage, WorkflowRow } from '#cluster/api.ts';
import { ClusterError } from '#cluster/api.ts';

import type { Actor, ActorRef } from './actor.ts';
import { asJson } from './as-json.ts';
import type { Backend, LocalNode } from './backend.ts';
import { NotANodeError } from './client-errors.ts';
import type { Reach, ResultOptions } from './handle.ts';
import { WorkflowHandle } from './handle.ts';
import type { LocalCode } from './local-code.ts';
import { task } from './task.ts';

export interface StartOptions {
  /** The name of this one workflow, chosen by you: 1 to 128 letters, digits and `_ . : @ -`. Made when it is left out. */
  readonly id?: string;
  /** Repeats of a call with the same request id are one start; another call under it is an error (`IDEMPOTENCY_MISMATCH`). Beside an `id` it guards the calls with that id. */
  readonly requestId?: string;
  /** To find it by, e.g. `{ customer: 'acme' }`: at most 16, with short keys and values of at most 200 characters. */
  readonly tags?: Tags;
  /** Of the definition. Default: the newest that the cluster knows. */
  readonly version?: string;
  /** The workflow with all its steps, before the definition's own. */
  readonly timeout?: Duration;
  /** What an `id` that exists already means: an error (`ALREADY_EXISTS`), or that workflow. Default `'fail'`. */
  readonly onConflict?: 'fail' | 'useExisting';
}

export interface ExecuteOptions extends StartOptions {
  /** How long to wait for the output, and what ends the wait. */
  readonly wait?: ResultOptions;
}

/** An actor that is only known by its name. */
export type AnyMessages = Readonly<
  Record<string, { readonly payload: unknown; readonly reply: Json }>
>;

/** A program's way to a cluster, whether it is a node of it or speaks HTTP to one. Made by `connect()`. */
export class Client {
  readonly #backend: Backend;
  readonly #local: Local | null;
  readonly #closing = new AbortController();
  readonly #reach: Reach;
  #closed: Promise<void> | null = null;

  constructor(backend: Backend, local: Local | null) {
    this.#backend = backend;
    this.#local = local;
    this.#reach = { backend: () => this.#open(), closed: this.#closing.signal };
  }

  // ---- workflows ----

  /**
   * Starts a workflow of a definition, or of the name of one. Resolves once the start will not be lost.
   * @throws ClusterError `UNKNOWN_DEFINITION`, `INVALID_INPUT`, `ALREADY_EXISTS`, `TOO_LARGE`
   */
  async start<Input, Output, Signals>(
    definition: WorkflowDefinition<Input, Output, Signals>,
    input: NoInfer<Input>,
    options?: StartOptions,
  ): Promise<WorkflowHandle<Output, Signals>>;
  async start(
    name: string,
    input?: JsonObject,
    options?: StartOptions,
  ): Promise<WorkflowHandle<JsonObject>>;
  async start(
    what: string | AnyWorkflow,
    input: unknown = {},
    options: StartOptions = {},
  ): Promise<unknown> {
    return await this.#start(what, input, options);
  }

  /** Starts a workflow and waits for its output. */
  async execute<Input, Output>(
    definition: WorkflowDefinition<Input, Output, unknown>,
    input: NoInfer<Input>,
    options?: ExecuteOptions,
  ): Promise<Output>;
  async execute(name: string, input?: JsonObject, options?: ExecuteOptions): Promise<JsonObject>;
  async execute(
    what: string | AnyWorkflow,
    input: unknown = {},
    options: ExecuteOptions = {},
  ): Promise<unknown> {
    const { wait, ...how } = options;
    return await (await this.#start(what, input, how)).result(wait);
  }

  /** The handle of a workflow that was started before, here or elsewhere. Nothing is asked of the cluster until it is used. */
  workflow(id: string): WorkflowHandle<JsonObject>;
  workflow<Input, Output, Signals>(
    definition: WorkflowDefinition<Input, Output, Signals>,
    id: string,
  ): WorkflowHandle<Output, Signals>;
  workflow(what: unknown, id?: string): unknown {
    return new WorkflowHandle(id ?? String(what), this.#reach);
  }

  // ---- actors ----

  /** An actor of your own, with this key. It exists as soon as it gets a message. */
  actor<State, Messages>(definition: Actor<State, Messages>, key: string): ActorRef<Messages>;
  actor(name: string, key: string): ActorRef<AnyMessages>;
  actor(what: string | { readonly name: string }, key: string): unknown {
    const name = typeof what === 'string' ? what : what.name;
    const call = (on: string, payload: unknown) => ({
      name,
      key,
      on,
      payload: asJson(payload, `the payload of "${on}"`),
      id: randomUUID(),
    });
    return {
      id: actorId(name, key),
      ask: async (on: string, payload?: unknown) => await this.#open().ask(call(on, payload)),
      tell: async (on: string, payload?: unknown) => {
        await this.#open().tell(call(on, payload));
      },
    };
  }

  /** Lets an actor that failed too often take messages again. */
  async resumeActor(what: string | { readonly name: string }, key: string): Promise<void> {
    const name = typeof what === 'string' ? what : what.name;
    await this.#open().resumeActor(name, key);
  }

  // ---- the calls of the seed ----

  /**
   * Offers a handler for a task type; it runs on the main thread of this program. It goes before handlers of the same type
   * that workflows of this program bring by `addTask`, whichever is registered first, and replaces one that was registered
   * before. How often a task is retried and how long it may take is said by the workflow's definition, not here.
   */
  async registerTaskHandler<Input = JsonObject>(
    type: string,
    handler: TaskHandler<Input>,
  ): Promise<void>;
  async registerTaskHandler(definition: TaskDefinition): Promise<void>;
  async registerTaskHandler(what: string | TaskDefinition, handler?: TaskHandler): Promise<void> {
    const { code, node } = this.#here('registerTaskHandler');
    const definition =
      typeof what === 'string'
        ? task<unknown, never>(what, { run: handlerOf(what, handler) })
        : what;
    await node.add(code.register(definition));
  }

  /**
   * Stores a workflow's definition in the cluster, so that any node can decide about it and any client can start it, and
   * offers its handlers while this program is a worker.
   * @throws DefinitionError when it brings a handler for a type that another workflow of this program brings, too
   */
  async registerWorkflow<Input, Output>(
    definition: WorkflowDefinition<Input, Output, unknown>,
  ): Promise<void> {
    const { code, node, checked } = this.#here('registerWorkflow');
    await node.add(code.admit(definition));
    checked.add(definition.graph.name);
  }

  /** Offers an actor of your own to the cluster while this program is a worker. */
  async registerActor<State, Messages>(definition: Actor<State, Messages>): Promise<void> {
    const { code, node } = this.#here('registerActor');
    await node.add(code.admit(definition));
  }

  /** Starts a workflow and resolves with its id. */
  async submitWorkflow(name: string, input: JsonObject = {}): Promise<string> {
    return (await this.start(name, input)).id;
  }

  async getWorkflow(id: string): Promise<WorkflowView> {
    return await this.#open().describe(id);
  }

  async cancelWorkflow(id: string, reason?: string): Promise<void> {
    await this.#open().cancel(id, reason);
  }

  /** Newest first, up to a second behind. */
  async listWorkflows(limit?: number, offset?: number): Promise<readonly WorkflowRow[]>;
  async listWorkflows(filter?: Partial<ListFilter>): Promise<readonly WorkflowRow[]>;
  async listWorkflows(
    first: number | Partial<ListFilter> = {},
    second?: number,
  ): Promise<readonly WorkflowRow[]> {
    const asked = typeof first === 'number' ? { limit: first, offset: second ?? 0 } : first;
    return (await this.listPage(asked)).rows;
  }

  /** As `listWorkflows`, with the `next` to give as `cursor` for the page after this one. */
  async listPage(asked: Partial<ListFilter> = {}): Promise<WorkflowPage> {
    const filter = { ...asked, limit: asked.limit ?? 20, offset: asked.offset ?? 0 };
    checkRange('limit', filter.limit, 1, 200);
    checkRange('offset', filter.offset, 0, 10_000);
    return await this.#open().list(filter);
  }

  async getWorkflowTasks(id: string): Promise<readonly TaskView[]> {
    return await this.#open().tasks(id);
  }

  async getTask(id: string): Promise<TaskView> {
    return await this.#open().task(id);
  }

  /** How many workflows are in which state. */
  async stats(): Promise<Readonly<Record<WorkflowStatus, number>>> {
    return await this.#open().stats();
  }

  /** Takes a share of the cluster's workflows to decide for. */
  async startEngine(): Promise<void> {
    await this.#here('startEngine').node.setEngine(true);
  }

  /** Hands that share over to the other nodes. */
  async stopEngine(): Promise<void> {
    await this.#here('stopEngine').node.setEngine(false);
  }

  /** Offers the handlers of this program to the cluster. Resolves at once; the seed's call waits until the worker stops. */
  async startWorker(): Promise<void> {
    await this.#here('startWorker').node.setWorker(true);
  }

  /** Takes no more tasks; those that run go on. */
  async stopWorker(): Promise<void> {
    await this.#here('stopWorker').node.setWorker(false);
  }

  /** What the tasks that this program runs are marked with, as their `worker_id`. */
  getWorkerId(): string {
    return this.#here('getWorkerId').node.id;
  }

  /** Leaves the cluster in order. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    this.#closed ??= this.#backend.close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(
    what: string | AnyWorkflow,
    input: unknown,
    options: StartOptions,
  ): Promise<WorkflowHandle<unknown>> {
    const backend = this.#open();
    const { id, requestId = randomUUID(), version, timeout, onConflict, tags } = options;
    const name = typeof what === 'string' ? what : what.graph.name;
    const started = await backend.start({
      name,
      input: await this.#inputOf(what, input),
      requestId,
      ...(id === undefined ? {} : { id }),
      ...(version === undefined ? {} : { version }),
      ...(timeout === undefined ? {} : { timeoutMs: parseDuration(timeout) }),
      ...(onConflict === undefined ? {} : { onConflict }),
      ...(tags === undefined ? {} : { tags }),
    });
    return new WorkflowHandle(started.id, this.#reach);
  }

  #open(): Backend {
    if (this.#closed !== null) throw closedError();
    return this.#backend;
  }

  #here(call: string): Local {
    this.#open();
    if (this.#local === null) throw new NotANodeError(call);
    return this.#local;
  }

  /**
   * Input that does not fit is refused before anything is sent. The nodes that have the definition's code check it again
   * and lay its defaults under it; where this program's own node takes the call and does not have it, that is done here.
   */
  async #inputOf(what: string | AnyWorkflow, given: unknown): Promise<JsonObject> {
    const input = asJson(given, 'the input');
    if (!isJsonObject(input)) {
      throw invalid(
        '/input',
        'must be an object',
        `the input of a workflow must be an object, not ${JSON.stringify(input)}`,
      );
    }
    if (typeof what === 'string' || what.input === undefined) return input;
    const checked = await what.input['~standard'].validate(input);
    const [issue] = checked.issues ?? [];
    if (checked.issues !== undefined) {
      const path = (issue?.path ?? []).map((part) =>
        String(typeof part === 'object' ? part.key : part),
      );
      const pointer = ['/input', ...path].join('/');
      const detail = issue?.message ?? 'is not valid';
      throw invalid(
        pointer,
        detail,
        `the input of ${what.graph.name} does not fit its schema: ${pointer}: ${detail}`,
      );
    }
    if (this.#local === null || this.#local.checked.has(what.graph.name)) return input;
    const made = asJson(checked.value, 'what the schema makes of the input');
    return isJsonObject(made) ? made : input;
  }
}

/** The node of this program, and its code. */
export interface Local {
  readonly node: LocalNode;
  readonly code: LocalCode;
  /** Names of the workflows whose inputs the node checks, because it has their code. */
  readonly checked: { has(name: string): boolean; add(name: string): unknown };
}

// ---- helpers ----

function handlerOf(type: string, handler: TaskHandler | undefined): TaskHandler {
  if (typeof handler === 'function') return handler;
  throw new TypeError(
    `there is no handler for task type "${type}". Give one: registerTaskHandler("${type}", (input) => …).`,
  );
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const detail = `must be a whole number from ${least} to ${most}`;
  throw invalid(`?${name}`, detail, `${name} is ${value}; it ${detail}`);
}

function invalid(pointer: string, detail: string, message: string): ClusterError {
  return new ClusterError('INVALID_INPUT', message, { problems: [{ pointer, detail }] });
}

function closedError(): ClusterError {
  return new ClusterError('UNAVAILABLE', 'this client is closed; connect again to go on');
}
