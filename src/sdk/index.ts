/* What a user imports. */

// ---- define ----
export { workflow } from './workflow.ts';
export type { Workflow } from './workflow.ts';
export { WorkflowBuilder } from './workflow-builder.ts';
export type { StepBuilder } from './workflow-builder.ts';
export { task } from './task.ts';
export type { TypedTaskOptions } from './task.ts';
export { actor } from './actor.ts';
export type { Actor, ActorOptions, ActorRef, PayloadArgs, ReplyTo } from './actor.ts';
export { asyncTaskHandler, simpleTaskHandler } from './task-handlers.ts';

// ---- options ----
export type { Duration } from '#actors/duration.ts';
export type { SignalStepOptions, WorkflowOptions } from './draft.ts';
export type { ErrorClass, RetryOptions, RunOptions, TimeoutOptions } from './policy.ts';

// ---- what handlers see and throw ----
export { NonRetryableError, RetryAfterError } from '#actors/failure.ts';
export { DefinitionError } from './definition-error.ts';
export type { DefinitionErrorCode } from './definition-error.ts';
export type {
  ActorTurn,
  AnySignals,
  ActorTurnContext,
  TaskContext,
  TaskDefinition,
  TaskHandler,
  TaskLog,
  WorkflowDefinition,
} from '#actors/definition.ts';
export type { Json, JsonObject } from '#actors/json.ts';
export type { Tags } from '#actors/tags.ts';
export type { StepError, StepTaskContext, StepView, Stored } from './shape.ts';

// ---- connect ----
export { connect } from './connect.ts';
export type { HttpConnection, NodeConnection } from './connect.ts';
export type { AnyMessages, Client, ExecuteOptions, StartOptions } from './client.ts';
export type { ResultOptions, SignalOptions, WorkflowHandle } from './handle.ts';
export {
  NotANodeError,
  NotPermittedError,
  WorkflowCanceledError,
  WorkflowFailedError,
} from './client-errors.ts';
export { ClusterError } from '#cluster/api.ts';
export type { ClusterErrorCode, ListFilter, WorkflowPage, WorkflowRow } from '#cluster/api.ts';
export type { Failure, FailureKind } from '#actors/failure.ts';
export type { TaskStatus, WorkflowStatus } from '#actors/workflow-state.ts';
export type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
