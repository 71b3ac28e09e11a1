import type { Graph } from '#actors/definition.ts';
import type { Failure } from '#actors/failure.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import type { Tags } from '#actors/tags.ts';
import type { LogLine } from '#actors/work.ts';
import type { WorkflowEvent } from '#actors/workflow-events.ts';
import type { TaskStatus, WorkflowStatus } from '#actors/workflow-state.ts';
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
  /**
   * For the step that waits for it, or will. Resolves after it is committed; the same `requestId` again is the same signal.
   * NOT_FOUND, UNKNOWN_SIGNAL, INVALID_INPUT for a payload that does not fit, SIGNAL_NOT_AWAITED, ALREADY_CLOSED.
   */
  signal(request: SignalRequest): Promise<void>;
  /** The newest state, from the owner. NOT_FOUND. */
  workflow(id: string): Promise<WorkflowSnapshot>;
  /** Waits until the workflow has ended, at most `waitMs`; resolves with its state then, ended or not; `signal` ends the wait. NOT_FOUND. */
  result(id: string, waitMs: number, signal?: AbortSignal): Promise<WorkflowSnapshot>;
  /**
   * A page, newest first; may lag the owners by up to a second. Following `next` shows every workflow that fits the filter
   * all the while exactly once, whatever is started meanwhile. INVALID_INPUT for the cursor of another filter.
   */
  list(filter: ListFilter): Promise<WorkflowPage>;
  /** How many fit the filter: exact, as of what `list` shows. */
  count(filter: WorkflowFilter): Promise<number>;
  /** Exact counts by state. */
  stats(): Promise<Readonly<Record<WorkflowStatus, number>>>;
  /**
   * Tasks of the newest workflows first, in each in the order of its definition; may lag the owners by up to a second, but
   * for those of one workflow, which come from its owner. A call does a bounded amount of work: a page may be short, or
   * empty, and still have a `next`. INVALID_INPUT for the cursor of another filter; NOT_FOUND for an unknown `workflowId`.
   */
  tasks(filter: TaskFilter): Promise<TaskPage>;
  /**
   * What happened to a workflow: the committed events with a greater number than `after`, oldest first. It has all that was
   * acknowledged or told before the call, so a caller who knows how a workflow ended finds the end here. Only when no owner
   * has answered for 3 s (a takeover that drags on) it is content with what is stored, which may lack the last second or
   * so. NOT_FOUND.
   */
  events(workflowId: string, page: { after: number; limit: number }): Promise<EventPage>;
  /**
   * What the cluster did in each of the last minutes, this one included, oldest first. Up to some seconds behind; a node
   * that is killed takes its last few seconds' counts with it. INVALID_INPUT over a week.
   */
  throughput(minutes: number): Promise<readonly MinuteCounts[]>;
  /** The newest log lines that handlers wrote, oldest first. */
  logs(
    workflowId: string,
    filter: { step?: number; limit: number },
  ): Promise<readonly TaskLogLine[]>;
  definitions(): Promise<readonly Graph[]>;
  /** The newest version, or the one named. UNKNOWN_DEFINITION. */
  definition(name: string, version?: string): Promise<Graph>;
  /** Newest first, at most a thousand. UNKNOWN_DEFINITION. */
  definitionVersions(name: string): Promise<readonly DefinitionVersion[]>;
  /** Resolves after the message is committed; the same `id` again is applied once. */
  tell(message: ActorCall): Promise<void>;
  /** Resolves with the reply of the turn that took the message. */
  ask(message: ActorCall): Promise<Json>;
  /** Takes an actor out of quarantine. */
  resumeActor(name: string, key: string): Promise<void>;
  cluster(): Promise<ClusterView>;
  /** The name of the node that owns each shard, as far as this one knows; null for one that nobody has at the moment. */
  shardOwners(): Promise<readonly (string | null)[]>;
  /**
   * By the name of a node: it hands its shards over and takes no new work, while what runs goes on and its process lives; false
   * lets it take part again. Resolves once it is in the view of the node that was asked; shards move a moment later, and other
   * nodes see it within half a second. NODE_NOT_FOUND, LAST_NODE.
   */
  drain(node: string, on: boolean): Promise<void>;
  /** Kills the process of a node, as a fault would: in development mode alone, NOT_FOUND elsewhere. NODE_NOT_FOUND. */
  kill(node: string): Promise<void>;
  /** Resolves when this node can serve; rejects with UNAVAILABLE or DRAINING saying what is missing. */
  ready(): Promise<void>;
  /** The same thing by thing, each looked at now. Never rejects. */
  readiness(): Promise<readonly ReadinessCheck[]>;
  readonly live: LiveFeed;
}

/** One thing that a node needs to serve. */
export interface ReadinessCheck {
  readonly name: 'serving' | 'mysql' | 'redis' | 'membership';
  readonly ok: boolean;
  readonly why?: string;
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

export interface SignalRequest {
  readonly workflowId: string;
  /** The name of the step that waits for it. */
  readonly signal: string;
  /** Left out, it is what the schema makes of nothing, or else `{}`. */
  readonly payload?: Json;
  readonly requestId?: string;
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

/** All that is given has to fit; nothing given is every workflow. */
export interface WorkflowFilter {
  /** One of these. */
  readonly states?: readonly WorkflowStatus[];
  /** Of the definition, exactly. */
  readonly name?: string;
  /** What the id begins with. */
  readonly idPrefix?: string;
  /** All of these, exactly. */
  readonly tags?: Tags;
  /** Milliseconds since 1970; created then or later. */
  readonly createdAfter?: number;
  /** Created earlier than that. */
  readonly createdBefore?: number;
}

export interface ListFilter extends WorkflowFilter {
  readonly limit: number;
  /** How many to pass over; of what follows the cursor, when there is one. */
  readonly offset?: number;
  /** The `next` of the page before, of the same filter. */
  readonly cursor?: string;
}

export interface WorkflowPage {
  readonly rows: readonly WorkflowRow[];
  /** Where the next page begins; null when this is the last. Opaque. */
  readonly next: string | null;
}

export interface TaskFilter {
  readonly limit: number;
  readonly cursor?: string;
  readonly type?: string;
  readonly states?: readonly TaskStatus[];
  /** The name of the node that runs or ran its newest attempt, or its full id. */
  readonly node?: string;
  readonly workflowId?: string;
}

export interface TaskPage {
  readonly tasks: readonly TaskView[];
  readonly next: string | null;
}

/** An event with its number in the history of its workflow, from 1. */
export type NumberedEvent = { readonly seq: number } & WorkflowEvent;

export interface EventPage {
  readonly events: readonly NumberedEvent[];
  /** The `after` of the next page; null when nothing more has happened yet. */
  readonly next: number | null;
}

export interface DefinitionVersion {
  readonly version: string;
  readonly registered_at: string;
}

export interface MinuteCounts {
  /** The start of the minute. */
  readonly at: string;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly canceled: number;
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
  /** It hands its shards over or has done so, and takes no new work: it leaves, or an operator said so. */
  readonly draining: boolean;
  readonly version: string;
  readonly url: string | null;
  readonly shards: number;
  readonly offers: readonly string[];
  readonly started_at: string;
  /** How long ago it was last seen to live. */
  readonly heartbeat_age_ms: number;
  readonly load: NodeLoad;
}

/** How busy a node was a moment ago; zeros when it has not said so yet. */
export interface NodeLoad {
  /** Attempts and turns in its hands. */
  readonly running: number;
  /** Actors in its memory. */
  readonly actors: number;
  readonly threads: number;
  /** 0 to 1, of the event loop of its main thread. */
  readonly utilization: number;
  readonly rss_bytes: number;
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
  | 'UNKNOWN_SIGNAL'
  | 'SIGNAL_NOT_AWAITED'
  | 'NODE_NOT_FOUND'
  | 'LAST_NODE'
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
