import type { Graph } from '#actors/definition.ts';

import type { Pool } from './pool.ts';
import { int, type Row, text } from './row.ts';

/** The graphs that nodes have registered, by name and version. A version is a hash of its content, so it never changes. */
export class Definitions {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Makes each graph known, and the newest of its name: a version that comes back after another one (a roll-back) is the
   * newest again.
   */
  async put(graphs: readonly Graph[]): Promise<void> {
    if (graphs.length === 0) return;
    const newest = await this.#newestVersions();
    const fresh = graphs.filter((graph) => newest.get(graph.name) !== graph.version);
    if (fresh.length === 0) return;
    await this.#pool.run(
      `INSERT INTO definition (name, version, graph, registered_at)
       VALUES ${`(?,?,?,${serverMicroseconds}),`.repeat(fresh.length).slice(0, -1)}
       ON DUPLICATE KEY UPDATE registered_at = VALUES(registered_at)`,
      fresh.flatMap((graph) => [graph.name, graph.version, JSON.stringify(graph)]),
    );
  }

  /** The version named, or the newest. */
  async get(name: string, version?: string): Promise<Graph | null> {
    if (version === undefined) return await this.latest(name);
    const rows = await this.#pool.rows(
      'SELECT graph FROM definition WHERE name = ? AND version = ?',
      [name, version],
    );
    return rows.map(decode)[0] ?? null;
  }

  async latest(name: string): Promise<Graph | null> {
    const rows = await this.#pool.rows(
      `SELECT graph FROM definition WHERE name = ? AND version = (
         SELECT version FROM definition WHERE name = ? ORDER BY registered_at DESC, version DESC LIMIT 1)`,
      [name, name],
    );
    return rows.map(decode)[0] ?? null;
  }

  /** The newest version of each name, by name. */
  async list(): Promise<readonly Graph[]> {
    const rows = await this.#pool.rows(
      `SELECT d.name, d.graph FROM definition d WHERE ${isNewest} ORDER BY d.name`,
    );
    return rows.map(decode);
  }

  async names(): Promise<readonly string[]> {
    const rows = await this.#pool.rows('SELECT DISTINCT name FROM definition ORDER BY name');
    return rows.map((row) => text(row, 'name'));
  }

  /** Names of those that have, in any version, a step with this type of task. */
  async namesWithTask(type: string): Promise<readonly string[]> {
    // As JSON.stringify writes it in `put`; that a longer text may hold it too does no harm.
    const written = `"task":${JSON.stringify(type)}`;
    const rows = await this.#pool.rows(
      'SELECT DISTINCT name FROM definition WHERE graph LIKE ? ORDER BY name',
      [`%${written.replace(/[\\%_]/g, '\\$&')}%`],
    );
    return rows.map((row) => text(row, 'name'));
  }

  /** The newest first, at most a thousand. */
  async versions(name: string): Promise<readonly Registered[]> {
    const rows = await this.#pool.rows(
      `SELECT version, registered_at FROM definition WHERE name = ?
       ORDER BY registered_at DESC, version DESC LIMIT 1000`,
      [name],
    );
    return rows.map((row) => ({
      version: text(row, 'version'),
      registeredAt: Math.floor(int(row, 'registered_at') / 1_000),
    }));
  }

  async #newestVersions(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#pool.rows(
      `SELECT d.name, d.version FROM definition d WHERE ${isNewest}`,
    );
    return new Map(rows.map((row) => [text(row, 'name'), text(row, 'version')]));
  }
}

export interface Registered {
  readonly version: string;
  /** Milliseconds since 1970, when it became the newest last. */
  readonly registeredAt: number;
}

const isNewest = `NOT EXISTS (SELECT 1 FROM definition later WHERE later.name = d.name
  AND (later.registered_at > d.registered_at
    OR (later.registered_at = d.registered_at AND later.version > d.version)))`;

// Microseconds, so that versions registered right after each other are in order.
const serverMicroseconds = 'CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)';

function decode(row: Row): Graph {
  // Written by `put` from a Graph.
  const graph: Graph = JSON.parse(text(row, 'graph'));
  return graph;
}
