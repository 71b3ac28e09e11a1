import type { Graph } from '#actors/definition.ts';
import type { Failure } from '#actors/failure.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import type { Tags } from '#actors/tags.ts';
import type { LogLine } from '#actors/work.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';

/**
 * What a node can be asked, whichever node it is: the HTTP door and the SDK speak to the cluster through this alone.
 * Every call rejects with a `ClusterError` when the answer is no.
 */
export interface ClusterApi {
  /** Resolves after the start is committed. */
  start(request: StartRequest): Promise<Started>;
  /** Resolves after the cancellation is committed. NOT_FOUND, ALREADY_CLOSED (but canceling what is canceled is fine). */
  cancel(workflowId: string, reason?: string): Promise<void>;
  /** Opens a failed workflow again, from its failed steps. Resolves after that is committed. NOT_FOUND, NOT_FAILED. */
  retry(workflowId: string): Promise<void>;
  /** The newest state, from the owner. NOT_FOUND. */
  workflow(id: string): Promise<WorkflowSnapshot>;
  /** Waits until the workflow has ended, at most `waitMs`; resolves with its state then, ended or not; `signal` ends the wait. NOT_FOUND. */
  result(id: string, waitMs: number, signal?: AbortSignal): Promise<WorkflowSnapshot>;
  /** Newest first; may lag the owner by up to a second. */
  list(filter: ListFilter): Promise<readonly WorkflowRow[]>;
  /** Exact counts by state. */
  stats(): Promise<Readonly<Record<WorkflowStatus, number>>>;
  /** The newest log lines that handlers wrote, oldest first. */
  logs(
    workflowId: string,
    filter: { step?: number; limit: number },
  ): Promise<readonly TaskLogLine[]>;
  definitions(): Promise<readonly Graph[]>;
  /** The newest version, or the one named. UNKNOWN_DEFINITION. */
  definition(name: string, version?: string): Promise<Graph>;
  /** Resolves after the message is committed; the same `id` again is applied once. */
  tell(message: ActorCall): Promise<void>;
  /** Resolves with the reply of the turn that took the message. */
  ask(message: ActorCall): Promise<Json>;
  /** Takes an actor out of quarantine. */
  resumeActor(name: string, key: string): Promise<void>;
  cluster(): Promise<ClusterView>;
  /** Resolves when this node can serve; rejects with UNAVAILABLE or DRAINING saying what is missing. */
  ready(): Promise<void>;
  readonly live: LiveFeed;
}

export interface StartRequest {
  readonly name: string;
  readonly input: JsonObject;
  /** Chosen by the client; made by the node when absent. */
  readonly id?: string;
  readonly version?: string;
  readonly timeoutMs?: number;
  /** What an id that exists already means; `fail` (ALREADY_EXISTS) unless said otherwise. */
  readonly onConflict?: 'fail' | 'useExisting';
  /** Makes repeats of one call the same start; a repeat that asks for something else is refused: IDEMPOTENCY_MISMATCH. */
  readonly requestId?: string;
  /** To find it by: at most 16, with keys of 1 to 40 letters, digits and `_ . -`, and values of at most 200 characters. */
  readonly tags?: Tags;
}

export interface Started {
  readonly id: string;
  readonly existing: boolean;
}

/** A workflow at one moment: version numbers let a watcher put later changes in order. */
export interface WorkflowSnapshot {
  /** Number of the newest event that is in it. */
  readonly seq: number;
  readonly workflow: WorkflowView;
  readonly tasks: readonly TaskView[];
  readonly graph: Graph;
}

export interface WorkflowRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly state: WorkflowStatus;
  readonly seq: number;
  readonly error?: string;
  readonly created_at: string;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly tags: Tags;
  readonly input: JsonObject;
  readonly output?: JsonObject;
  /** How many tasks are in which state, e.g. `{ completed: 2, running: 1 }`. */
  readonly task_states: Readonly<Record<string, number>>;
}

export interface ListFilter {
  readonly limit: number;
  readonly offset: number;
  readonly state?: WorkflowStatus;
  readonly name?: string;
}

export interface TaskLogLine extends LogLine {
  readonly step: number;
  readonly attempt: number;
}

export interface ActorCall {
  readonly name: string;
  readonly key: string;
  readonly on: string;
  readonly payload: Json;
  readonly id?: string;
  readonly timeoutMs?: number;
}

export interface ClusterView {
  /** The node that answered. */
  readonly node: string;
  readonly shards: number;
  readonly nodes: readonly NodeView[];
}

export interface NodeView {
  readonly name: string;
  readonly state: 'up' | 'draining' | 'suspect' | 'down';
  readonly url: string | null;
  readonly shards: number;
  readonly offers: readonly string[];
  readonly started_at: string;
}

/** The live feed of a node: what its owner tells of watched workflows, whichever node that is. */
export interface LiveFeed {
  /** Every committed change of one workflow, in order; `seq` tells a gap. Returns how to stop. */
  watchWorkflow(id: string, listener: (change: WorkflowChange) => void): () => void;
  /**
   * Rows of workflows that changed, and log lines of none: coalesced, newest state wins. `missed` is called when changes
   * may have been lost, and once for each node when its changes begin to come: the store has them within a moment.
   */
  watchRows(listener: (rows: readonly WorkflowRow[]) => void, missed: () => void): () => void;
}

/** What one or more commits did to a workflow: from one seq to the next, with the parts that are other than before. */
export interface WorkflowChange {
  readonly id: string;
  readonly fromSeq: number;
  readonly seq: number;
  readonly workflow: WorkflowView;
  /** The tasks that changed. */
  readonly tasks: readonly TaskView[];
  readonly logs: readonly TaskLogLine[];
}

export type ClusterErrorCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'IDEMPOTENCY_MISMATCH'
  | 'ALREADY_CLOSED'
  | 'NOT_FAILED'
  | 'UNKNOWN_DEFINITION'
  | 'TOO_LARGE'
  | 'ACTOR_QUARANTINED'
  | 'ACTOR_MAILBOX_FULL'
  | 'ACTOR_FAILED'
  | 'ALREADY_APPLIED'
  | 'OVERLOADED'
  | 'DRAINING'
  | 'UNAVAILABLE'
  | 'TIMEOUT'
  | 'INTERNAL';

/** The cluster said no, or could not say yes in time; `code` is stable, `retryAfterMs` is there when trying again may help. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;
  readonly retryAfterMs: number | null;
  readonly failure: Failure | null;
  /** JSON pointers to the fields that are wrong, with what is wrong. */
  readonly problems: readonly { readonly pointer: string; readonly detail: string }[];

  constructor(
    code: ClusterErrorCode,
    message: string,
    options: ErrorOptions & {
      retryAfterMs?: number;
      failure?: Failure;
      problems?: readonly { pointer: string; detail: string }[];
    } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.failure = options.failure ?? null;
    this.problems = options.problems ?? [];
  }
}
