import type { Failure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';

/**
 * Work that an owner wants done elsewhere: one attempt of a task, or one turn of a user's actor. It is what travels to a
 * thread, or through a Redis task queue to another node; its result comes back as a command of the actor.
 */
export interface Work {
  readonly actor: string;
  /** The step's number in the graph, or the turn's number of an actor. */
  readonly task: number;
  readonly attempt: number;
  /** Counts hand-outs of the same attempt; more than one only after a node died or drained. */
  readonly delivery: number;
  /** Which handler; the nodes that offer this key can do it. */
  readonly queue: string;
  readonly priority: number;
  readonly isolate: boolean;
  /** When it was handed out, by the clock of its owner; milliseconds since 1970. */
  readonly scheduledAt: number;
  readonly job: Job;
  /** The `traceparent` of what it belongs to: of its workflow, and on the node that runs it of the attempt itself. */
  readonly trace?: string;
}

export type Job = TaskJob | TurnJob;

export interface TaskJob {
  readonly kind: 'task';
  readonly workflow: string;
  readonly version: string;
  readonly step: string;
  readonly conditional: boolean;
  readonly mapped: boolean;
  readonly input: JsonObject;
  /** Outputs of the steps before, in the order of the definition. */
  readonly outputs: Readonly<Record<string, Json>>;
  readonly error?: JsonObject;
  readonly heartbeatDetails: Json | null;
}

export interface TurnJob {
  readonly kind: 'turn';
  readonly name: string;
  readonly key: string;
  /** null: not begun, so the initial state. */
  readonly state: Json | null;
  readonly messages: readonly ActorMessage[];
}

export interface ActorMessage {
  readonly id: string;
  readonly on: string;
  readonly payload: Json;
  /** Where its sender is in a trace, when it is traced; on the node that runs the turn, the place of its handling. */
  readonly trace?: string;
}

/** How an attempt or a turn ended. */
export type Outcome =
  | { readonly status: 'completed'; readonly output: Json }
  /** `when` said no. */
  | { readonly status: 'skipped' }
  | { readonly status: 'failed'; readonly failure: Failure }
  /** Handed back unfinished without penalty: the node drains, or a mate took the thread down. */
  | { readonly status: 'released'; readonly reason: string }
  | { readonly status: 'turned'; readonly state: Json; readonly replies: readonly TurnReply[] };

/** What became of one message of a turn. */
export type TurnReply =
  | { readonly id: string; readonly ok: true; readonly value: Json }
  | { readonly id: string; readonly ok: false; readonly failure: Failure };

/** What a running attempt tells about itself; the newest wins. */
export interface Progress {
  readonly fraction?: number;
  readonly note?: string;
  readonly details?: Json;
}

export interface LogLine {
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

/** Names one hand-out of work, to report on it or to stop it. */
export type WorkRef = Pick<Work, 'actor' | 'task' | 'attempt' | 'delivery'>;

export function workKey(work: Pick<Work, 'actor' | 'task' | 'attempt'>): string {
  return `${work.actor}.${work.task}.${work.attempt}`;
}
