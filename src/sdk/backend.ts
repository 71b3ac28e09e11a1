import type { Definition } from '#actors/definition.ts';
import type { Failure } from '#actors/failure.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type {
  ActorCall,
  ListFilter,
  SignalRequest,
  Started,
  StartRequest,
  WorkflowPage,
} from '#cluster/api.ts';

/**
 * What a client needs of a cluster, and all it needs: over a node in the same program, or over the HTTP door of another.
 * Every call rejects with a `ClusterError` when the answer is no.
 */
export interface Backend {
  start(request: StartRequest): Promise<Started>;
  cancel(id: string, reason?: string): Promise<void>;
  retry(id: string): Promise<void>;
  signal(request: SignalRequest): Promise<void>;
  describe(id: string): Promise<WorkflowView>;
  tasks(id: string): Promise<readonly TaskView[]>;
  task(id: string): Promise<TaskView>;
  /** How the workflow has ended, or null when it has not within `waitMs`, at most a minute; rejects when `signal` is aborted. */
  result(id: string, waitMs: number, signal: AbortSignal): Promise<Ending | null>;
  list(filter: ListFilter): Promise<WorkflowPage>;
  stats(): Promise<Readonly<Record<WorkflowStatus, number>>>;
  ask(call: ActorCall): Promise<Json>;
  tell(call: ActorCall): Promise<void>;
  resumeActor(name: string, key: string): Promise<void>;
  close(): Promise<void>;
}

export type Ending =
  | { readonly state: 'completed'; readonly output: JsonObject }
  | { readonly state: 'failed'; readonly failure: Failure }
  | { readonly state: 'canceled'; readonly reason: string };

/** The part of a node that only its own program can reach. */
export interface LocalNode {
  readonly id: string;
  add(definition: Definition): Promise<void>;
  setEngine(on: boolean): Promise<void>;
  setWorker(on: boolean): Promise<void>;
}
