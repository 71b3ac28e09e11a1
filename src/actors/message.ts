import type { Defaults } from './defaults.ts';
import type { Failure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import type { Tags } from './tags.ts';
import type { Outcome, Progress, Work, WorkRef } from './work.ts';

/** Where the reply to a message is awaited: a call made on a node. */
export interface ReplyAddress {
  readonly node: string;
  readonly call: string;
}

/** A message to an actor, as it lies in a mailbox. */
export interface Envelope {
  /** Unique; the same id again is the same message, and is applied once. */
  readonly id: string;
  readonly to: string;
  readonly command: Command;
  readonly replyTo?: ReplyAddress;
  /** A start under an id that was made for it a moment ago and sent once: nobody can have heard of it before. */
  readonly fresh?: true;
  /** Where its sender is in a trace, as W3C's `traceparent`. */
  readonly trace?: string;
}

export type Command = WorkflowCommand | ActorCommand;

/** What can be said to a workflow. */
export type WorkflowCommand =
  | {
      readonly type: 'workflow.start';
      readonly name: string;
      readonly version: string;
      readonly input: JsonObject;
      readonly timeoutMs: number | null;
      readonly onConflict: 'fail' | 'useExisting';
      /** Of the cluster, for what the definition leaves open. */
      readonly defaults?: Defaults;
      /** Left out when there are none. */
      readonly tags?: Tags;
      /** Of the input as the caller gave it, when a schema may have made another of it: a repeat is known by this. */
      readonly inputDigest?: string;
    }
  | { readonly type: 'workflow.cancel'; readonly reason: string }
  /** Opens a failed workflow again, from the steps that failed. */
  | { readonly type: 'workflow.retry' }
  /** For the step of this name, which waits for it or will. */
  | {
      readonly type: 'workflow.signal';
      readonly signal: string;
      readonly payload: Json;
      /** As `inputDigest`. */
      readonly payloadDigest?: string;
    }
  | {
      readonly type: 'task.started';
      readonly step: number;
      readonly attempt: number;
      /** Which hand-out of it; left out, the newest. */
      readonly delivery?: number;
      readonly node: string;
      readonly at: number;
    }
  | {
      readonly type: 'task.progressed';
      readonly step: number;
      readonly attempt: number;
      readonly progress: Progress;
    }
  | {
      readonly type: 'task.ended';
      readonly step: number;
      readonly attempt: number;
      /** Which hand-out of it: a result counts whichever it was, but only the newest can be handed back. Left out, the newest. */
      readonly delivery?: number;
      readonly node: string;
      readonly startedAt: number | null;
      readonly outcome: Outcome;
    }
  /** The node that had it is gone. */
  | {
      readonly type: 'task.lost';
      readonly step: number;
      readonly attempt: number;
      readonly delivery: number;
    }
  /** Something may be due. */
  | { readonly type: 'wake' };

/** What can be said to an actor of the user's own. */
export type ActorCommand =
  | {
      readonly type: 'actor.message';
      readonly name: string;
      readonly key: string;
      readonly on: string;
      readonly payload: Json;
      /** An ask is answered by the turn, a tell as soon as it is committed. */
      readonly ask: boolean;
    }
  | {
      readonly type: 'turn.ended';
      readonly turn: number;
      /** As in `task.ended`. */
      readonly delivery?: number;
      readonly node: string;
      readonly outcome: Outcome;
    }
  | { readonly type: 'turn.lost'; readonly turn: number; readonly delivery: number }
  | { readonly type: 'actor.resume' }
  | { readonly type: 'wake' };

export type Reply =
  | { readonly ok: true; readonly value: Json }
  | {
      readonly ok: false;
      readonly code: RefusalCode;
      readonly message: string;
      readonly failure?: Failure;
    };

export type RefusalCode =
  | 'ALREADY_EXISTS'
  | 'IDEMPOTENCY_MISMATCH'
  | 'NOT_FOUND'
  | 'ALREADY_CLOSED'
  | 'NOT_FAILED'
  | 'UNKNOWN_SIGNAL'
  | 'SIGNAL_NOT_AWAITED'
  | 'ACTOR_QUARANTINED'
  | 'ACTOR_MAILBOX_FULL'
  | 'ACTOR_FAILED'
  | 'ALREADY_APPLIED'
  | 'UNKNOWN_DEFINITION'
  | 'INTERNAL';

/** What leaves the actor once the decision is committed, and not before (the output gate). */
export type Effect =
  | { readonly type: 'execute'; readonly work: Work; readonly where: string }
  | {
      readonly type: 'abort';
      readonly ref: WorkRef;
      readonly queue: string;
      readonly where: string | null;
      readonly reason: string;
    }
  | { readonly type: 'reply'; readonly to: ReplyAddress; readonly reply: Reply };

export interface Decision<Event> {
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
}

/** All that a decision may know of the world. */
export interface DecisionContext {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 0 <= random < 1 */
  random(): number;
  /** Where work of this queue should run: this node, or `queue` for whichever node takes it. */
  place(queue: string): string;
}

/** The placement of work that any node may take from the queue of its type. */
export const anyNode = 'queue';

export const limits = {
  /** Nodes that may die with one attempt before it is given up as poison. */
  deaths: 3,
  /** Messages that an actor of the user's own may have waiting. */
  actorMailbox: 10_000,
  /** Milliseconds that a turn may wait for a thread. */
  turnWaitMs: 60_000,
  /** Messages handed to one turn. */
  turnMessages: 64,
  /** Message ids that an actor remembers to drop repeats. */
  remembered: 256,
  /** The same of a workflow, for those that open it again: more rarely, and each is in its snapshot. */
  retriesRemembered: 16,
} as const;
