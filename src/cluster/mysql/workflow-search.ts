import type { Tags } from '#actors/tags.ts';

import type { Value } from './pool.ts';

/** What is looked for. What is absent lets everything through; a list that is empty lets nothing through. */
export interface Search {
  readonly states?: readonly string[];
  readonly names?: readonly string[];
  readonly idPrefix?: string;
  readonly tags?: Tags;
  /** Created then or later. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
}

/** A place in the order of lists: the newest first, and of equally old ones the greater id. */
export interface Place {
  readonly createdAt: number;
  readonly id: string;
}

export interface Page {
  /** Only what comes after it in this order, or it and what comes after it. */
  readonly after?: Place & { readonly inclusive?: boolean };
  readonly limit: number;
  readonly offset?: number;
}

export interface Sql {
  readonly sql: string;
  readonly values: readonly Value[];
}

/**
 * A part of a search that an index answers by itself.
 *
 * `order`: the keys by state, by name or by neither, in the order of lists. A list of several is merged from one run of the
 * index for each state and name, so that only a page of each is read. `prefix`: the key by id, in no useful order.
 * `tag`: the key of one tag, in the order of lists.
 */
export type Way =
  | { readonly by: 'order' }
  | { readonly by: 'prefix' }
  | { readonly by: 'tag'; readonly tag: string };

/**
 * Everything is searched in covering keys, so that no row is read which is not shown: a row may be long, and is on a page of
 * its own. The optimizers of both servers judge such searches badly, as they know neither how a tag and a state go together
 * nor how soon a page is full. But they know well how many entries of a key are in a range. So the way is chosen here, by what
 * they estimate of each part, and is forced: STRAIGHT_JOIN, FORCE INDEX.
 */
export function pageSql(search: Search, page: Page, way: Way): Sql {
  const { limit, offset = 0 } = page;
  const parts = way.by === 'order' ? runs(search) : [search];
  const selects = parts.map((part) => {
    const { first, from, where, values } = found(part, way, page.after);
    return {
      sql: `SELECT ${first}.shard_id, ${first}.id, ${first}.created_at FROM ${from} WHERE ${where}
        ORDER BY ${first}.created_at DESC, ${first}.id DESC LIMIT ?`,
      values: [...values, limit + offset],
    };
  });
  return {
    sql: `SELECT shard_id, id, created_at FROM (${selects.map(({ sql }) => `(${sql})`).join(' UNION ALL ')}) found
      ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
    values: [...selects.flatMap(({ values }) => values), limit, offset],
  };
}

export function countSql(search: Search, way: Way): Sql {
  const { from, where, values } = found(search, way);
  return { sql: `SELECT COUNT(*) AS number FROM ${from} WHERE ${where}`, values };
}

/** The ways that a search could be done by; `part` is what the way looks through, as a statement to be explained. */
export function waysOf(search: Search): readonly { readonly way: Way; readonly part: Sql }[] {
  const { states, names, idPrefix, tags = {}, createdAfter, createdBefore } = search;
  const created = {
    ...(createdAfter === undefined ? {} : { createdAfter }),
    ...(createdBefore === undefined ? {} : { createdBefore }),
  };
  const ways: { way: Way; through: Search }[] = Object.entries(tags).map(([tag, value]) => ({
    way: { by: 'tag', tag },
    through: { ...created, tags: { [tag]: value } },
  }));
  if (idPrefix !== undefined) ways.push({ way: { by: 'prefix' }, through: { idPrefix } });
  const ordered = {
    ...created,
    ...(states === undefined ? {} : { states }),
    ...(names === undefined ? {} : { names }),
  };
  if (ways.length === 0 || Object.keys(ordered).length > 0) {
    ways.push({ way: { by: 'order' }, through: ordered });
  }
  return ways.map(({ way, through }) => {
    const { from, where, values } = found(through, way);
    // MySQL does not look into a key that it is forced to use, and estimates by the average of its statistics.
    const offered = from.replace('FORCE INDEX', 'USE INDEX');
    return { way, part: { sql: `SELECT 1 FROM ${offered} WHERE ${where}`, values } };
  });
}

/** A way, and how many entries of its key there are to look through, as the server estimates. */
export interface Estimated {
  readonly way: Way;
  readonly entries: number;
}

/** The way with the fewest entries: all of them are looked at. */
export function wayToCount(ways: readonly Estimated[]): Way {
  return fewest(ways)?.way ?? { by: 'order' };
}

/** So many entries are sorted in a few milliseconds. */
const sortedLimit = 10_000;

/** The way with the fewest entries; but where those would have to be sorted and are many, one in the order of lists. */
export function wayToPage(ways: readonly Estimated[]): Way {
  const least = fewest(ways);
  if (least !== undefined && (least.way.by !== 'prefix' || least.entries < sortedLimit)) {
    return least.way;
  }
  return fewest(ways.filter(({ way }) => way.by !== 'prefix'))?.way ?? { by: 'order' };
}

function fewest(ways: readonly Estimated[]): Estimated | undefined {
  return ways.toSorted((a, b) => a.entries - b.entries)[0];
}

/** One for each state and name. */
function runs(search: Search): readonly Search[] {
  const { states, names } = search;
  if (names !== undefined) {
    return names.flatMap((name) =>
      (states ?? statesOfWorkflows).map((state) => ({ ...search, names: [name], states: [state] })),
    );
  }
  if (states === undefined) return [search];
  return states.map((state) => ({ ...search, states: [state] }));
}

/** The key by name has the state before the time, so a name without a state is looked for in each of them. */
const statesOfWorkflows = ['pending', 'running', 'completed', 'failed', 'canceled'];

interface Found {
  /** The table that is looked through; the others are looked up for each of its entries. */
  readonly first: 'a' | 't';
  readonly from: string;
  readonly where: string;
  readonly values: readonly Value[];
}

function found(search: Search, way: Way, after?: Page['after']): Found {
  const { states, names, idPrefix, createdAfter, createdBefore } = search;
  const tags = Object.entries(search.tags ?? {});
  const chosen = way.by === 'tag' ? tags.find(([tag]) => tag === way.tag) : undefined;
  const first = chosen === undefined ? 'a' : 't';
  const from: string[] = [];
  const values: Value[] = [];
  const where: string[] = [];
  const also = (condition: string, ...more: readonly Value[]): void => {
    where.push(condition);
    values.push(...more);
  };
  if (chosen === undefined) {
    from.push(`actor a FORCE INDEX (${keyOf(search, way)})`);
    also("a.kind = 'workflow'");
  } else {
    from.push('tag t FORCE INDEX (tag_search)');
    also('t.name = ? AND t.value = ?', ...chosen);
    // A tag is written before its workflow and deleted before it, so tags alone need no look at the workflows.
    if (states !== undefined || names !== undefined) {
      from.push(
        `actor a FORCE INDEX (${lookUpKeyOf(search)}) ON a.kind = 'workflow' AND ${isSame('a', first)}`,
      );
    }
  }
  // Values are among the conditions of `where` alone, so that they keep the order of the text.
  for (const [index, tag] of tags.filter((one) => one !== chosen).entries()) {
    const other = `o${index}`;
    from.push(`tag ${other} FORCE INDEX (tag_search) ON ${isSame(other, first)}`);
    also(`${other}.name = ? AND ${other}.value = ?`, ...tag);
  }
  if (states !== undefined) also(`a.state IN ${among(states)}`, ...states);
  if (names !== undefined) also(`a.name IN ${among(names)}`, ...names);
  if (idPrefix !== undefined) also(`${first}.id LIKE ?`, `${idPrefix.replace(/[\\%_]/g, '\\$&')}%`);
  if (createdAfter !== undefined) also(`${first}.created_at >= ?`, createdAfter);
  if (createdBefore !== undefined) also(`${first}.created_at < ?`, createdBefore);
  if (after !== undefined) {
    // Not (created_at, id) < (?, ?), which neither server makes a range of.
    const { createdAt, id, inclusive = false } = after;
    also(
      `${first}.created_at <= ? AND (${first}.created_at < ? OR ${first}.id ${inclusive ? '<=' : '<'} ?)`,
      createdAt,
      createdAt,
      id,
    );
  }
  return { first, from: from.join(' STRAIGHT_JOIN '), where: where.join(' AND '), values };
}

/** The time is in it for the keys that have it: who looks up one after the other in the order of the key stays on its pages. */
function isSame(table: string, first: string): string {
  return `${table}.created_at = ${first}.created_at AND ${table}.id = ${first}.id`;
}

function lookUpKeyOf({ states, names }: Search): string {
  if (states?.length !== 1) return 'actor_id';
  if (names === undefined) return 'actor_state';
  return names.length === 1 ? 'actor_name_state' : 'actor_id';
}

function keyOf({ states, names }: Search, way: Way): string {
  if (way.by === 'prefix') return 'actor_id';
  if (names !== undefined) return 'actor_name_state';
  return states === undefined ? 'actor_created' : 'actor_state';
}

function among(values: readonly string[]): string {
  // An empty list is no SQL; NULL is equal to nothing.
  return values.length === 0 ? '(NULL)' : `(${values.map(() => '?').join(',')})`;
}
