import { ActorEntity, type ActorRow } from './entities.ts';
import type { EntityManager } from './orm.ts';
import type { Pool } from './pool.ts';
import { int, type Row, text } from './row.ts';
import type { Snapshot } from './snapshots.ts';
import {
  chooseWay,
  countSql,
  type Page,
  pageSql,
  type Place,
  probeLimits,
  type Search,
  type Way,
  waysOf,
} from './workflow-search.ts';

export type { Place, Search } from './workflow-search.ts';

export interface Listed {
  readonly snapshots: readonly Snapshot[];
  /** After what the next page begins; null when there is none. */
  readonly next: Place | null;
}

/** What lists and statistics are read from: the snapshots, up to a second behind their owners. */
export class WorkflowsQuery {
  readonly #orm: () => Promise<{ readonly em: EntityManager; readonly pool: Pool }>;

  constructor(orm: () => Promise<{ readonly em: EntityManager; readonly pool: Pool }>) {
    this.#orm = orm;
  }

  /** The newest first. */
  async page(search: Search, { limit, ...page }: Page): Promise<Listed> {
    if (isHopeless(search)) return { snapshots: [], next: null };
    const { em, pool } = await this.#orm();
    const way = await this.#way(pool, search, probeLimits.page, { by: 'order' });
    const { sql, values } = pageSql(search, { ...page, limit: limit + 1 }, way);
    const keys = (await pool.rows(sql, values)).map((row) => ({
      shard: int(row, 'shard_id'),
      id: text(row, 'id'),
      createdAt: int(row, 'created_at'),
    }));
    const shown = keys.slice(0, limit);
    if (shown.length === 0) return { snapshots: [], next: null };
    const primaryKeys = shown.map(({ shard, id }): [number, string] => [shard, id]);
    const rows = await em.find(ActorEntity, primaryKeys, { disableIdentityMap: true });
    const found = new Map(rows.map((row) => [row.id, row]));
    return {
      // Between the two statements a workflow may have gone into another state, or have gone.
      snapshots: shown.flatMap(({ id }) => {
        const row = found.get(id);
        const fits = row !== undefined && search.states?.includes(row.state) !== false;
        return fits ? [snapshotOf(row)] : [];
      }),
      next: keys.length > limit ? (shown.at(-1) ?? null) : null,
    };
  }

  async count(search: Search): Promise<number> {
    if (isHopeless(search)) return 0;
    const { pool } = await this.#orm();
    const way = await this.#way(pool, search, probeLimits.count, { by: 'prefix' });
    const { sql, values } = countSql(search, way);
    const [row] = await pool.rows(sql, values);
    return row === undefined ? 0 : int(row, 'number');
  }

  /** Exact, by state; a state that none is in is absent. */
  async stats(kind: Snapshot['kind'] = 'workflow'): Promise<Readonly<Record<string, number>>> {
    const { em } = await this.#orm();
    const rows: readonly Row[] = await em
      .getConnection()
      .execute('SELECT state, COUNT(*) AS number FROM actor WHERE kind = ? GROUP BY state', [kind]);
    return Object.fromEntries(rows.map((row) => [text(row, 'state'), int(row, 'number')]));
  }

  /** Probes as far as it must to tell the ways apart, and no further than the last of the limits. */
  async #way(pool: Pool, search: Search, limits: readonly number[], otherwise: Way): Promise<Way> {
    let way = otherwise;
    for (const limit of limits) {
      const ways = waysOf(search, limit);
      const [only] = ways;
      if (only !== undefined && ways.length === 1 && only.way.by !== 'prefix') return only.way;
      const [row] = await pool.rows(
        `SELECT ${ways.map(({ probe }, index) => `(${probe.sql}) AS n${index}`).join(', ')}`,
        ways.flatMap(({ probe }) => probe.values),
      );
      const probed = ways.map((one, index) => ({
        way: one.way,
        seen: row === undefined ? 0 : int(row, `n${index}`),
      }));
      way = chooseWay(probed, limit, otherwise);
      if (probed.some(({ seen }) => seen < limit)) break;
    }
    return way;
  }
}

function isHopeless({ states, names }: Search): boolean {
  return states?.length === 0 || names?.length === 0;
}

function snapshotOf(row: ActorRow): Snapshot {
  return {
    shard: row.shard,
    id: row.id,
    kind: row.kind === 'workflow' ? 'workflow' : 'actor',
    name: row.name,
    version: row.version,
    state: row.state,
    seq: row.seq,
    open: row.open === 1,
    dueAt: row.dueAt ?? null,
    data: row.data,
    failure: row.failure ?? null,
    createdAt: row.createdAt,
    startedAt: row.startedAt ?? null,
    endedAt: row.endedAt ?? null,
  };
}
