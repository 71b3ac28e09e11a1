import type { Definition } from '#actors/definition.ts';

import type { Notices } from './notices.ts';

export interface NodeOptions {
  /** Unique in the cluster among the nodes that live. */
  readonly name: string;
  /** `redis://…`, `rediss://…` or `unix:///path/of.sock` */
  readonly redis: string;
  /** Before every key. Clusters that share a Redis need different ones. */
  readonly redisPrefix?: string;
  /** `mysql://user:password@host:port/database` */
  readonly mysql: string;
  /** Connections besides those of the commits; the checkpoints, lists and claims share them. */
  readonly mysqlPoolSize?: number;
  /** Fixed when the cluster is created. */
  readonly shards?: number;
  /** `file:` URLs of modules that export tasks, workflows and actors. */
  readonly modules?: readonly string[];
  /** The same as objects: their code then runs on the main thread. */
  readonly definitions?: readonly Definition[];
  /** Owns shards: decides for the workflows of its share. On unless false; `setEngine` changes it. */
  readonly engine?: boolean;
  /** Runs tasks. On unless false; `setWorker` changes it. */
  readonly worker?: boolean;
  readonly threads?: number;
  /** Attempts that run at once. */
  readonly concurrency?: number;
  readonly isolatedThreads?: number;
  /** The heap of one thread; an attempt that needs more fails. Node's own default when left out. */
  readonly threadMemoryMb?: number;
  /** One attempt, from its start, where a definition says nothing. Its own default, 10 minutes, when left out. */
  readonly defaultStartToCloseMs?: number;
  /** Before the second attempt, where a definition says nothing. Its own default, 1 second, when left out. */
  readonly defaultRetryIntervalMs?: number;
  /** No workflow may be given longer; one without a timeout of its own gets this one. */
  readonly maxWorkflowTimeoutMs?: number;
  /** From a cancellation to the end of the thread of an isolated task. */
  readonly cancelGraceMs?: number;
  /** How long running tasks may go on when the node stops. */
  readonly drainGraceMs?: number;
  /** How long an actor with nothing to do is kept in memory. */
  readonly idleMs?: number;
  /** How long ended workflows are kept. */
  readonly retentionMs?: number;
  /** Development mode: what would be a fault may be asked for, such as the death of a node. */
  readonly dev?: boolean;
  readonly notices?: Notices;
}

export const defaults = {
  redisPrefix: 'temjob:',
  mysqlPoolSize: 10,
  shards: 256,
  concurrency: 128,
  isolatedThreads: 2,
  cancelGraceMs: 5_000,
  drainGraceMs: 25_000,
  idleMs: 60_000,
  retentionMs: 30 * 24 * 3_600_000,
} as const;
