import { ActorEntity, type ActorRow } from './entities.ts';
import type { EntityManager } from './orm.ts';
import { int, type Row, text } from './row.ts';
import type { Snapshot } from './snapshots.ts';

export interface WorkflowFilter {
  readonly kind: Snapshot['kind'];
  readonly limit: number;
  readonly offset: number;
  readonly state?: string;
  readonly name?: string;
}

/** What lists and statistics are read from: the snapshots, up to a second behind their owners. */
export class WorkflowsQuery {
  readonly #em: () => Promise<EntityManager>;

  constructor(em: () => Promise<EntityManager>) {
    this.#em = em;
  }

  /** The newest first. */
  async list({ kind, limit, offset, state, name }: WorkflowFilter): Promise<readonly Snapshot[]> {
    const em = await this.#em();
    const rows = await em.find(
      ActorEntity,
      { kind, ...(state === undefined ? {} : { state }), ...(name === undefined ? {} : { name }) },
      { orderBy: { createdAt: 'desc', id: 'desc' }, limit, offset },
    );
    return rows.map(snapshotOf);
  }

  async count(kind: Snapshot['kind'] = 'workflow'): Promise<number> {
    return await (await this.#em()).count(ActorEntity, { kind });
  }

  /** Exact, by state; a state that none is in is absent. */
  async stats(kind: Snapshot['kind'] = 'workflow'): Promise<Readonly<Record<string, number>>> {
    const em = await this.#em();
    const rows: readonly Row[] = await em
      .getConnection()
      .execute('SELECT state, COUNT(*) AS number FROM actor WHERE kind = ? GROUP BY state', [kind]);
    return Object.fromEntries(rows.map((row) => [text(row, 'state'), int(row, 'number')]));
  }
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
