import type { Tags } from '#actors/tags.ts';

import { keyRows, list, type Pool } from './pool.ts';
import { int, intOrNull, type Row, text, textOrNull } from './row.ts';

/** An actor as the checkpointer stores it and as lists show it. Times are milliseconds since 1970. */
export interface Snapshot {
  readonly shard: number;
  readonly id: string;
  readonly kind: 'workflow' | 'actor';
  readonly name: string;
  /** Hash of the definition; empty for an actor of the user's own. */
  readonly version: string;
  readonly state: string;
  /** Number of the newest event that is in it. */
  readonly seq: number;
  /** Has something left to do. */
  readonly open: boolean;
  /** The next time it wants to be woken. */
  readonly dueAt: number | null;
  /** JSON text. */
  readonly data: string;
  readonly failure: string | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** To be stored for searching; left out when it has been done. */
  readonly tags?: Tags;
}

export interface ActorKey {
  readonly shard: number;
  readonly id: string;
}

export interface Due extends ActorKey {
  readonly dueAt: number;
}

/** Loads stored actors into memory. */
export class Snapshots {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The open actors of the shards, in pages, in the order of shard and id. */
  async *open(
    shards: readonly number[],
    pageSize = 1_000,
  ): AsyncIterableIterator<readonly Snapshot[]> {
    for (const shard of shards.toSorted((a, b) => a - b)) {
      let after = '';
      for (;;) {
        const rows = await this.#pool.rows(
          `SELECT ${snapshotColumns('actor')} FROM actor WHERE shard_id = ? AND is_open = 1 AND id > ? ORDER BY id LIMIT ?`,
          [shard, after, pageSize],
        );
        const page = rows.map(decodeSnapshot);
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (last === undefined || page.length < pageSize) break;
        after = last.id;
      }
    }
  }

  /** Those that are stored, in no order. */
  async load(keys: readonly ActorKey[]): Promise<readonly Snapshot[]> {
    const found: Snapshot[] = [];
    for (let from = 0; from < keys.length; from += 500) {
      const chunk = keys.slice(from, from + 500);
      const rows = await this.#pool.rows(
        `SELECT ${snapshotColumns('a')} FROM (${keyRows(chunk.length)}) k
         STRAIGHT_JOIN actor a ON a.shard_id = k.shard_id AND a.id = k.id`,
        chunk.flatMap(({ shard, id }) => [shard, id]),
      );
      found.push(...rows.map(decodeSnapshot));
    }
    return found;
  }

  /** How far the snapshot of an actor is; null when there is none. */
  async seqOf({ shard, id }: ActorKey): Promise<number | null> {
    const [row] = await this.#pool.rows('SELECT seq FROM actor WHERE shard_id = ? AND id = ?', [
      shard,
      id,
    ]);
    return row === undefined ? null : int(row, 'seq');
  }

  /** What a workflow runs on, which never changes; null when nothing of it is stored yet. */
  async definitionOf({
    shard,
    id,
  }: ActorKey): Promise<{ readonly name: string; readonly version: string } | null> {
    const [row] = await this.#pool.rows(
      `SELECT name, version FROM actor WHERE shard_id = ? AND id = ? AND kind = 'workflow'`,
      [shard, id],
    );
    return row === undefined ? null : { name: text(row, 'name'), version: text(row, 'version') };
  }

  /** Open actors of the shards that want to be woken before a time, the earliest first. */
  async due(shards: readonly number[], before: number, limit: number): Promise<readonly Due[]> {
    if (shards.length === 0) return [];
    const rows = await this.#pool.rows(
      `SELECT shard_id, id, due_at FROM actor WHERE shard_id IN ${list(shards.length)} AND due_at < ?
       ORDER BY due_at LIMIT ?`,
      [...shards, before, limit],
    );
    return rows.map((row) => ({
      shard: int(row, 'shard_id'),
      id: text(row, 'id'),
      dueAt: int(row, 'due_at'),
    }));
  }
}

const columns = [
  'shard_id',
  'id',
  'kind',
  'name',
  'version',
  'state',
  'seq',
  'is_open',
  'due_at',
  'data',
  'failure',
  'created_at',
  'started_at',
  'ended_at',
];

/** What `decodeSnapshot` reads, of a table by this name. */
export function snapshotColumns(table: string): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}

export function decodeSnapshot(row: Row): Snapshot {
  return {
    shard: int(row, 'shard_id'),
    id: text(row, 'id'),
    kind: text(row, 'kind') === 'workflow' ? 'workflow' : 'actor',
    name: text(row, 'name'),
    version: text(row, 'version'),
    state: text(row, 'state'),
    seq: int(row, 'seq'),
    open: int(row, 'is_open') === 1,
    dueAt: intOrNull(row, 'due_at'),
    data: text(row, 'data'),
    failure: textOrNull(row, 'failure'),
    createdAt: int(row, 'created_at'),
    startedAt: intOrNull(row, 'started_at'),
    endedAt: intOrNull(row, 'ended_at'),
  };
}
