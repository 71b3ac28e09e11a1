import type { MikroORM } from '@mikro-orm/mysql';

import { ServerUnreachableError } from '../server-unreachable.ts';
import { type Address, describeAddress, parseAddress } from './address.ts';
import { Availability } from './availability.ts';
import { Checkpoints } from './checkpoint.ts';
import { Claims } from './claims.ts';
import { Definitions } from './definitions.ts';
import { isConnectionFailure, remedyOf } from './failures.ts';
import { Histories } from './history.ts';
import { Journal } from './journal.ts';
import { Nodes } from './nodes.ts';
import { Pool, type PoolLoad, type PoolOptions } from './pool.ts';
import { Retention } from './retention.ts';
import { migrate } from './schema.ts';
import { checkSettings } from './settings.ts';
import { Snapshots } from './snapshots.ts';
import { TaskLogs } from './task-logs.ts';
import { Throughput } from './throughput.ts';
import { WorkflowsQuery } from './workflows-query.ts';

export interface StoreOptions {
  /** Fixed when the cluster is created. */
  readonly shards: number;
  /** How many commit statements may be under way at once. */
  readonly commitConnections?: number;
  /** Connections for everything else. */
  readonly poolSize?: number;
  /** MySQL stopped answering; commits wait. */
  readonly onDown?: (error: unknown) => void;
  readonly onUp?: () => void;
  /** A connection of one of the pools was used for so long. */
  readonly onUsed?: (pool: PoolName, ms: number) => void;
}

/** `commit`: the journal's alone. `checkpoint`: shared with MikroORM. `query`: everything else. */
export type PoolName = 'commit' | 'query' | 'checkpoint';

/** All that a node keeps in MySQL. The only way to it: nothing outside of this folder knows a table. */
export class Store {
  readonly journal: Journal;
  readonly claims: Claims;
  readonly checkpoints: Checkpoints;
  readonly snapshots: Snapshots;
  readonly histories: Histories;
  readonly logs: TaskLogs;
  readonly definitions: Definitions;
  readonly nodes: Nodes;
  readonly workflows: WorkflowsQuery;
  readonly throughput: Throughput;
  readonly retention: Retention;

  readonly #address: Address;
  readonly #shards: number;
  readonly #lanes: Pool;
  readonly #pool: Pool;
  readonly #ormSize: number;
  readonly #availability: Availability;
  readonly #closing = new AbortController();
  readonly #onUsed: (pool: PoolName, ms: number) => void;
  #orm: Promise<Orm> | undefined;
  #checkpointPool: Pool | null = null;
  #closed: Promise<void> | undefined;

  /** Rejects, saying where and why, when the server cannot be reached. Does not migrate. */
  static async open(url: string, options: StoreOptions): Promise<Store> {
    const store = new Store(parseAddress(url), options);
    try {
      await store.#pool.rows('SELECT 1');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await store.close();
      throw new ServerUnreachableError(
        `cannot use MySQL at ${describeAddress(store.#address)}: ${why}${remedyOf(error, store.#address.database)}`,
        { cause: error },
      );
    }
    return store;
  }

  private constructor(address: Address, options: StoreOptions) {
    const { shards, commitConnections = 2, poolSize = 10, onDown, onUp, onUsed } = options;
    this.#address = address;
    this.#shards = shards;
    this.#onUsed = onUsed ?? (() => {});
    this.#lanes = Pool.open(address, { size: commitConnections, ...this.#timed('commit') });
    // Half for what is read and written as it is, half for MikroORM.
    this.#pool = Pool.open(address, {
      size: Math.max(2, Math.ceil(poolSize / 2)),
      ...this.#timed('query'),
    });
    this.#ormSize = Math.max(2, Math.floor(poolSize / 2));
    this.#availability = new Availability(onDown ?? (() => {}), onUp ?? (() => {}));
    this.journal = new Journal(this.#lanes, this.#pool, this.#availability, this.#closing.signal);
    this.claims = new Claims(this.#pool, address);
    this.checkpoints = new Checkpoints(async () => (await this.#loadOrm()).pool);
    this.snapshots = new Snapshots(this.#pool);
    this.histories = new Histories(this.#pool);
    this.logs = new TaskLogs(this.#pool);
    this.definitions = new Definitions(this.#pool);
    this.nodes = new Nodes(this.#pool, this.#availability);
    this.workflows = new WorkflowsQuery(async () => {
      const { orm, pool } = await this.#loadOrm();
      return { em: orm.em.fork(), pool };
    });
    this.throughput = new Throughput(this.#pool);
    this.retention = new Retention(this.#pool);
  }

  /** Brings the schema up to date and creates the cluster; refuses when the cluster has another number of shards. */
  async migrate(): Promise<{ applied: readonly string[] }> {
    return await migrate(this.#pool, this.#address, this.#shards);
  }

  /** Settings of the server under which promises cannot be kept; none is well. */
  async checkSettings(): Promise<readonly string[]> {
    return await checkSettings(this.#pool);
  }

  /** Resolves when the server answers; rejects within 1.5 s when it does not. */
  async ready(): Promise<void> {
    try {
      await this.#pool.ping(1_500);
      this.#availability.answered();
    } catch (error) {
      if (isConnectionFailure(error)) this.#availability.failed(error);
      throw error;
    }
  }

  /** Its connections, by pool. */
  load(): Readonly<Record<PoolName, PoolLoad>> {
    return {
      commit: this.#lanes.load,
      query: this.#pool.load,
      checkpoint: this.#checkpointPool?.load ?? { inUse: 0, waiting: 0, size: this.#ormSize },
    };
  }

  /** Loads MikroORM now, so that the first checkpoint or list does not wait for it. */
  async warm(): Promise<void> {
    await this.#loadOrm();
  }

  /** Commits under way reject: what became of them is unknown. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(new Error('the store is closed'));
    const loaded = await this.#orm?.catch(() => undefined);
    await loaded?.orm.close(true);
    // MikroORM ends its connections only when it has used them itself.
    await Promise.all([this.#lanes.close(), this.#pool.close(), loaded?.pool.close()]);
  }

  async #loadOrm(): Promise<Orm> {
    this.#closing.signal.throwIfAborted();
    this.#orm ??= openOrm(this.#address, this.#ormSize, this.#timed('checkpoint'));
    try {
      const loaded = await this.#orm;
      this.#checkpointPool = loaded.pool;
      return loaded;
    } catch (error) {
      this.#orm = undefined;
      throw error;
    }
  }

  #timed(pool: PoolName): PoolOptions {
    return { onUsed: (ms) => this.#onUsed(pool, ms) };
  }
}

interface Orm {
  readonly orm: MikroORM;
  readonly pool: Pool;
}

async function openOrm(address: Address, size: number, options: PoolOptions): Promise<Orm> {
  const orms = await import('./orm.ts');
  const orm = await orms.openOrm(address, size);
  return { orm, pool: await orms.poolOf(orm, size, options) };
}
