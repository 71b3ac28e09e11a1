import { EventEmitter } from 'node:events';

import type { Actor, ActorEvent } from '#actors/actor.ts';
import type { Outcome, Work } from '#actors/work.ts';

/** What a commit did to one actor. */
export interface CommittedChange {
  /** Its state may be ahead of the commit. */
  readonly activation: { readonly actor: Actor };
  /** The events, oldest first. */
  readonly decided: readonly ActorEvent[];
}

/**
 * What happens inside a node, told once: logs, metrics and tests all listen here, so nobody needs to poll or to sleep.
 */
export interface NoticeMap {
  /** The node serves. */
  'node.ready': { readonly node: string };
  'node.draining': { readonly node: string };
  'node.stopped': { readonly node: string };
  'member.up': { readonly node: string };
  'member.down': { readonly node: string; readonly silentMs: number };
  /** A node that was started later has this node's name: for the others, this one is gone. */
  'member.replaced': { readonly by: string };
  /** `from`: their owners before; `taken`: how many of them had an owner that had not let go and counts as gone. */
  'shards.claimed': {
    readonly shards: readonly number[];
    readonly from: readonly string[];
    readonly taken: number;
  };
  'shards.released': { readonly shards: readonly number[] };
  /** Another node has the shard: what was not committed is forgotten. */
  'shard.fenced': { readonly shard: number; readonly epoch: number };
  'batch.committed': {
    readonly shard: number;
    readonly lsn: number;
    readonly entries: number;
    /** By actor. */
    readonly changes: ReadonlyMap<string, CommittedChange>;
  };
  'workflow.ended': { readonly id: string; readonly name: string; readonly state: string };
  'task.started': { readonly key: string };
  /** An attempt of a task, or a turn of an actor, has ended on this node. */
  'task.ended': {
    readonly key: string;
    readonly status: string;
    readonly work: Work;
    readonly outcome: Outcome;
    /** Milliseconds since 1970; null when it never began. */
    readonly startedAt: number | null;
  };
  /** A decision threw: a bug. The actor is loaded again, and set aside when it goes on. */
  'actor.faulted': { readonly id: string; readonly error: unknown; readonly parked: boolean };
  /** An actor was woken, so long after the time it had asked for. */
  'timer.rang': { readonly lateMs: number };
  'checkpoint.written': { readonly snapshots: number; readonly ms: number };
  /** The round trip of a heartbeat. */
  'redis.answered': { readonly ms: number };
  /** A connection of one of the pools was used for so long. */
  'mysql.answered': { readonly pool: string; readonly ms: number };
  'redis.down': Record<string, never>;
  'redis.up': { readonly dataMayBeLost: boolean };
  'mysql.down': { readonly error: unknown };
  'mysql.up': Record<string, never>;
  /** Something failed that is tried again. */
  'duty.failed': { readonly duty: string; readonly error: unknown };
  /** User code did something to be warned of. */
  'code.warning': { readonly message: string };
}

/** Tells notices to whoever listens; a listener that throws is its own problem, and is heard of as an uncaught exception. */
export class Notices {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  emit<Name extends keyof NoticeMap>(name: Name, notice: NoticeMap[Name]): void {
    this.#emitter.emit(name, notice);
  }

  /** Returns how to stop listening. */
  on<Name extends keyof NoticeMap>(
    name: Name,
    listener: (notice: NoticeMap[Name]) => void,
  ): () => void {
    this.#emitter.on(name, listener);
    return () => this.#emitter.off(name, listener);
  }

  /** The next notice of this name that matches. */
  async next<Name extends keyof NoticeMap>(
    name: Name,
    matches: (notice: NoticeMap[Name]) => boolean = () => true,
  ): Promise<NoticeMap[Name]> {
    return await new Promise((resolve) => {
      const off = this.on(name, (notice) => {
        if (!matches(notice)) return;
        off();
        resolve(notice);
      });
    });
  }
}
