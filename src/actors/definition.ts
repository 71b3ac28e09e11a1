import type { StandardSchemaV1 } from '@standard-schema/spec';

import type { Json, JsonObject } from './json.ts';

/*
 * A definition has two halves. The **graph** is data: stored in MySQL by name and version, drawn by any page, and all that
 * the owner of a workflow needs to decide. The **code** (handlers, `when`, input mappings) lives in modules and runs in
 * the nodes that offer it.
 */

/** When a failed attempt is tried again. Intervals are milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly maxAttempts: number;
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maxIntervalMs: number;
  /** 0 to 1: the delay is d * (1 - jitter * random). */
  readonly jitter: number;
  /** No attempt begins later than this after the first was scheduled. */
  readonly maxElapsedMs: number | null;
  /** Names of errors that are not worth another attempt. */
  readonly nonRetryable: readonly string[];
}

/** Names are Temporal's. All in milliseconds; null is none. */
export interface Timeouts {
  /** One attempt, from its start. */
  readonly startToCloseMs: number | null;
  /** One attempt, waiting for a free worker. */
  readonly scheduleToStartMs: number | null;
  /** The task with all its attempts. */
  readonly scheduleToCloseMs: number | null;
  /** The longest silence of a running attempt. */
  readonly heartbeatMs: number | null;
}

/** A step as data. */
export interface Step {
  readonly name: string;
  /** The task's type, as shown to people. */
  readonly task: string;
  /** The key under which nodes offer the handler: the type itself, or `workflow/step` for a handler written in place. */
  readonly queue: string;
  /** Names of the steps that must have ended before this one starts. */
  readonly needs: readonly string[];
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** The step that runs instead of failing the workflow when this one fails for good. */
  readonly onError: string | null;
  /** Has a `when` predicate, which the worker evaluates just before it would run the handler. */
  readonly conditional: boolean;
  /** Has an input mapping, which the worker evaluates too. */
  readonly mapped: boolean;
  /** What to do when one of `needs` was skipped. */
  readonly whenNeedsSkipped: 'run' | 'skip';
  /** 1 (first) to 5 (last). */
  readonly priority: number;
  /** One per thread, and the thread is terminated when an attempt will not stop. */
  readonly isolate: boolean;
  /** There when the step runs nothing but waits for the signal of its name, whose payload is its output. */
  readonly signal?: AwaitedSignal;
  /** What the author left open: the values here are those of TemJob, and a cluster may have others. */
  readonly open?: readonly OpenLimit[];
}

export interface AwaitedSignal {
  /** JSON Schema of the payload, when the schema library can tell. */
  readonly schema?: JsonObject;
}

export type OpenLimit = 'initialIntervalMs' | 'maxIntervalMs' | 'startToCloseMs';

/** A definition as data: what is stored, drawn and decided upon. */
export interface Graph {
  readonly name: string;
  /** Hash of everything that decides how a workflow of it runs; a workflow stays on the version it started with. */
  readonly version: string;
  readonly steps: readonly Step[];
  readonly timeoutMs: number | null;
  /** What the first failed step does to the steps beside it. */
  readonly onFailure: 'cancelSiblings' | 'letFinish';
  /** JSON Schema of the input, when the schema library can tell. */
  readonly inputSchema?: JsonObject;
}

/** What a handler, a `when` or an input mapping may know about the workflow: its input and the outputs of the steps before. */
export interface StepContext {
  readonly input: JsonObject;
  /** Outputs of all steps that this one depends on, directly or not, by step name; a skipped step is absent. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** The failure that an `onError` step handles. */
  readonly error?: JsonObject;
}

/** What a handler may know and do besides its input. */
export interface TaskContext {
  readonly workflowId: string;
  readonly taskId: string;
  readonly step: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same for every attempt and delivery of this task: give it to services that can drop repeats. */
  readonly idempotencyKey: string;
  /** Aborted on cancel and on timeout; a handler that goes on after the grace period loses its thread when isolated. */
  readonly signal: AbortSignal;
  readonly node: string;
  /** Outputs of the steps before, by step name. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** The workflow's own input. */
  readonly workflowInput: JsonObject;
  /** The details of the newest heartbeat of an earlier attempt, to go on from there. */
  readonly heartbeatDetails: Json | null;
  /** The place of this attempt in a trace (W3C), when its workflow is traced: for calls that no instrumentation sees. */
  readonly traceparent?: string;
  readonly log: TaskLog;
  /** Tells the owner that the attempt lives; `details` reach the next attempt. */
  heartbeat(details?: Json): void;
  /** 0 to 1, shown live; counts as a heartbeat. */
  progress(fraction: number, note?: string): void;
}

/** Lines are stored with the task, bounded, and shown live. */
export interface TaskLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

// The handler's input is contravariant, so a registry of handlers of all types takes `never` and each caller casts at one place: compute/registry.ts.
export type TaskHandler<Input = never, Output = unknown> = (
  input: Input,
  context: TaskContext,
) => Output | Promise<Output>;

/** A task type with its handler: `task('charge', { run })`. */
export interface TaskDefinition<Input = never, Output = unknown> {
  readonly kind: 'task';
  readonly type: string;
  readonly run: TaskHandler<Input, Output>;
  readonly options: TaskOptions;
}

/** Defaults of a task type; a step may override each. */
export interface TaskOptions {
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<Timeouts>;
  readonly priority?: number;
  readonly isolate?: boolean;
}

/** The code of one step. */
export interface StepCode {
  /** Checks the payload of the signal that the step waits for. */
  readonly payload?: StandardSchemaV1;
  /** The handler written in place; absent when the step names a task type. */
  readonly run?: TaskHandler;
  readonly when?: (
    context: StepContext & { readonly merged: JsonObject },
  ) => boolean | Promise<boolean>;
  readonly map?: (context: StepContext & { readonly merged: JsonObject }) => unknown;
}

/** A workflow as its author wrote it: graph and code. The parameters are for types alone; `Signals` is what is sent, by name. */
export interface WorkflowDefinition<Input = JsonObject, Output = JsonObject, Signals = AnySignals> {
  readonly kind: 'workflow';
  readonly graph: Graph;
  readonly code: Readonly<Record<string, StepCode>>;
  /** Task types that came with the definition (`addTask`, or a `TaskDefinition` given to a step). */
  readonly tasks: readonly TaskDefinition[];
  readonly input?: StandardSchemaV1;
  readonly types?: { readonly input: Input; readonly output: Output; readonly signals: Signals };
}

export interface ActorTurnContext {
  readonly actorId: string;
  readonly key: string;
  readonly messageId: string;
  /** The place of this message's handling in a trace (W3C), when its sender is traced. */
  readonly traceparent?: string;
  readonly node: string;
}

/** Takes the state and a message; returns the next state and, for an ask, the reply. */
export type ActorHandler<State = never, Message = never, Turn = ActorTurn<unknown, unknown>> = (
  state: State,
  message: Message,
  context: ActorTurnContext,
) => Turn | Promise<Turn>;

/** What a handler of an actor gives back; a part that is absent stays as it was. */
export interface ActorTurn<State, Reply> {
  readonly state?: State;
  readonly reply?: Reply;
}

/** When errors in turns put an actor aside (Erlang's restart intensity). */
export interface RestartIntensity {
  readonly maxFailures: number;
  readonly withinMs: number;
}

/** An actor of the user's own: `actor('counter', { state, on })`. */
export interface ActorDefinition {
  readonly kind: 'actor';
  readonly name: string;
  readonly initialState: () => unknown;
  readonly on: Readonly<Record<string, ActorHandler>>;
  readonly restart: RestartIntensity;
  readonly turnTimeoutMs: number;
}

/** Signals of which the types know nothing. */
export type AnySignals = Readonly<Record<string, unknown>>;

/** A workflow of any input and output. */
export type AnyWorkflow = WorkflowDefinition<unknown, unknown, unknown>;

export type Definition = TaskDefinition | AnyWorkflow | ActorDefinition;

/** The queue of the turns of an actor type. */
export function actorQueue(name: string): string {
  return `actor:${name}`;
}
