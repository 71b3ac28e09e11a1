import type { Reply } from '#actors/message.ts';
import type { LogLine, WorkRef } from '#actors/work.ts';

import type { ClusterErrorCode, WorkflowChange, WorkflowRow, WorkflowSnapshot } from '../api.ts';

/**
 * What nodes tell each other through their inboxes. All of it may be lost with a node or with Redis, and is asked for again
 * or superseded: what must not be lost travels through mailboxes.
 */
export type NodeMessage =
  /** The answer of an actor to a call made on this node. */
  | { readonly t: 'reply'; readonly call: string; readonly reply: Reply }
  /** Stop an attempt that runs on this node. */
  | { readonly t: 'abort'; readonly ref: WorkRef; readonly reason: string }
  /** Tell the state of a workflow; with `waitMs`, not before it has ended or the time is over. */
  | {
      readonly t: 'read';
      readonly call: string;
      readonly from: string;
      readonly id: string;
      readonly waitMs: number;
    }
  | { readonly t: 'state'; readonly call: string; readonly answer: ReadAnswer }
  /** Tell what happened to a workflow and is not in its history yet. */
  | {
      readonly t: 'events';
      readonly call: string;
      readonly from: string;
      readonly id: string;
      readonly after: number;
      readonly limit: number;
    }
  | { readonly t: 'happened'; readonly call: string; readonly answer: EventsAnswer }
  /** Which of these are not in your hands, though their actors say so? */
  | { readonly t: 'holding'; readonly from: string; readonly refs: readonly WorkRef[] }
  | { readonly t: 'absent'; readonly refs: readonly WorkRef[] }
  /** Shards were let go for this node to claim; a sender that rests takes none any more, and may be gone before its next beat. */
  | {
      readonly t: 'claim';
      readonly from: string;
      readonly rests: boolean;
      readonly shards: readonly number[];
    }
  /** An operator wants this node to do something. */
  | { readonly t: 'order'; readonly call: string; readonly from: string; readonly order: Order }
  | { readonly t: 'obeyed'; readonly call: string; readonly answer: Obedience }
  /** Send changes of these workflows for the next while. */
  | { readonly t: 'watch'; readonly from: string; readonly ids: readonly string[] }
  | { readonly t: 'unwatch'; readonly from: string; readonly id: string }
  /** Send rows that change for the next while; `seen` is the number of the newest such message that came from there. */
  | {
      readonly t: 'watchRows';
      readonly from: string;
      readonly on: boolean;
      readonly seen: number | null;
    }
  | { readonly t: 'change'; readonly change: WorkflowChange }
  /** The n-th since the watch began, so that one that is lost is missed; 0 says that it begins. */
  | {
      readonly t: 'rows';
      readonly from: string;
      readonly n: number;
      readonly rows: readonly WorkflowRow[];
    }
  /** Lines that a handler wrote on another node, for the owner to pass on to watchers. */
  | {
      readonly t: 'logs';
      readonly id: string;
      readonly lines: readonly (LogLine & { readonly step: number; readonly attempt: number })[];
    };

/** What an operator may tell a node. */
export type Order = 'drain' | 'undrain' | 'die';

export interface Obedience {
  readonly refusal: { readonly code: ClusterErrorCode; readonly message: string } | null;
}

export type ReadAnswer =
  | { readonly found: WorkflowSnapshot }
  | { readonly found: null }
  /** It is there, and its owner cannot read it. */
  | { readonly setAside: true }
  /** This node does not own it (any more). */
  | { readonly moved: true };

export type EventsAnswer =
  | {
      /** Number of the first event that may not be in the history. */
      readonly first: number;
      /** Number of the newest that is committed. */
      readonly last: number;
      /** From `first`, or from what was asked for when that is later, as JSON. */
      readonly events: readonly string[];
    }
  /** It is not in memory, so all of it is stored. */
  | { readonly away: true }
  | { readonly moved: true };
