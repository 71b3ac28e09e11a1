import type { Defaults } from './defaults.ts';
import type { Failure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import type { Tags } from './tags.ts';

/**
 * What has happened to a workflow, in the order in which it was committed. This is what the journal holds and what a history
 * shows; the state of a workflow is these events folded, and nothing else. Times are milliseconds since 1970; `step` is the
 * number of a step in the graph.
 */
export type WorkflowEvent = Prefixed<
  | {
      readonly type: 'workflow.accepted';
      readonly at: number;
      readonly name: string;
      readonly version: string;
      readonly input: JsonObject;
      readonly timeoutAt: number | null;
      /** The message that started it: the same message again is the same start. */
      readonly by: string;
      /** Left out when there are none. */
      readonly tags?: Tags;
      /** The trace that all of it belongs to, when it is traced: the `traceparent` of its submit. */
      readonly trace?: string;
      readonly defaults?: Defaults;
      readonly inputDigest?: string;
    }
  | {
      readonly type: 'task.scheduled';
      readonly at: number;
      readonly step: number;
      readonly attempt: number;
      readonly delivery: number;
      /** The node that was to run it, or `queue`. */
      readonly where: string;
      /** Handed out again because the node before died with it. */
      readonly lost?: true;
    }
  /** The step's turn has come, and its signal has not. */
  | {
      readonly type: 'task.waiting';
      readonly at: number;
      readonly step: number;
      readonly attempt: number;
    }
  /** What a step waits for, or will wait for when its turn comes. */
  | {
      readonly type: 'task.signaled';
      readonly at: number;
      readonly step: number;
      readonly payload: Json;
      /** The message that brought it: the same message again is the same signal. */
      readonly by: string;
      readonly payloadDigest?: string;
    }
  | {
      readonly type: 'task.started';
      readonly at: number;
      readonly step: number;
      readonly attempt: number;
      readonly node: string;
    }
  | {
      readonly type: 'task.progressed';
      readonly at: number;
      readonly step: number;
      readonly attempt: number;
      readonly fraction?: number;
      readonly note?: string;
      readonly details?: Json;
    }
  | {
      readonly type: 'task.completed';
      readonly at: number;
      readonly step: number;
      readonly attempt: number;
      readonly startedAt: number;
      /** null: no node ran it, its output is the payload of a signal. */
      readonly node: string | null;
      readonly output: Json;
    }
  | {
      readonly type: 'task.skipped';
      readonly at: number;
      readonly step: number;
      readonly reason: string;
    }
  | {
      readonly type: 'task.failed';
      readonly at: number;
      readonly step: number;
      readonly attempt: number;
      readonly startedAt: number | null;
      readonly node: string | null;
      readonly failure: Failure;
      /** When the next attempt begins; null when this was the last. */
      readonly retryAt: number | null;
    }
  | {
      readonly type: 'task.canceled';
      readonly at: number;
      readonly step: number;
      readonly reason: string;
    }
  /** A step failed for good and the others are let finish; nothing new starts. */
  | { readonly type: 'workflow.failing'; readonly at: number; readonly failure: Failure }
  /** A failed workflow is open again, and these steps with it; their attempts go on being counted. */
  | {
      readonly type: 'workflow.retried';
      readonly at: number;
      readonly steps: readonly number[];
      readonly timeoutAt: number | null;
      /** The message that asked for it: the same message again opens nothing. */
      readonly by: string;
    }
  | { readonly type: 'workflow.completed'; readonly at: number }
  | { readonly type: 'workflow.failed'; readonly at: number; readonly failure: Failure }
  | { readonly type: 'workflow.canceled'; readonly at: number; readonly reason: string }
>;

/** What tells them from the events of other actors, and which of them are about a step. */
type Prefixed<Event extends { readonly type: `workflow.${string}` | `task.${string}` }> = Event;
