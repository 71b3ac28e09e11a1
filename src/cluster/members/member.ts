import type { Load } from './load-meter.ts';

/** What a node tells the others about itself, in every beat that changes it. */
export interface MemberInfo {
  readonly name: string;
  /** Made anew at each start: an incarnation that is gone never comes back. */
  readonly incarnation: string;
  readonly url: string | null;
  /** Of the program. */
  readonly version: string;
  readonly offers: readonly string[];
  readonly draining: boolean;
  /** Owns shards; a client of the cluster does not. */
  readonly takesShards: boolean;
  /** The shards it owns, for people and for finding an owner quickly; MySQL decides. */
  readonly shards: number;
  readonly load: Load;
  readonly startedAt: number;
}

/**
 * What another node has told of itself, as text or parsed; null when it does not say who it is. A node of another version may
 * leave parts out, and lives all the same.
 */
export function readMemberInfo(told: unknown): MemberInfo | null {
  const info = fieldsOf(typeof told === 'string' ? parsed(told) : told);
  const { name, incarnation, url, version, offers } = info;
  if (typeof name !== 'string' || typeof incarnation !== 'string') return null;
  const load = fieldsOf(info['load']);
  return {
    name,
    incarnation,
    url: typeof url === 'string' ? url : null,
    version: typeof version === 'string' ? version : 'unknown',
    offers: Array.isArray(offers) ? offers.filter((offer) => typeof offer === 'string') : [],
    draining: info['draining'] === true,
    takesShards: info['takesShards'] === true,
    shards: numberOf(info['shards']),
    load: {
      running: numberOf(load['running']),
      actors: numberOf(load['actors']),
      threads: numberOf(load['threads']),
      utilization: numberOf(load['utilization']),
      rssBytes: numberOf(load['rssBytes']),
    },
    startedAt: numberOf(info['startedAt']),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** How a node is called in placements, mailboxes and replies: `name~incarnation`. */
export function memberId({ name, incarnation }: { name: string; incarnation: string }): string {
  return `${name}~${incarnation}`;
}

export function memberName(id: string): string {
  return id.slice(0, id.indexOf('~') < 0 ? id.length : id.indexOf('~'));
}

/** What one witness has seen of a node's counter, by this observer's monotonic clock. */
export interface Sighting {
  readonly counter: number;
  readonly changedAtMs: number;
}

export interface Witnessed {
  /** Through Redis; null: not seen there. */
  readonly redis: Sighting | null;
  /** Through MySQL. */
  readonly mysql: Sighting | null;
}

/** After so long a silence a node counts as gone. Safety does not rest on it: MySQL fences whoever is gone and comes back. */
export const silenceMs = 4_000;

/**
 * Whether a node lives, as far as one can tell: it is down only when all witnesses that speak at all have been silent about it
 * for long, so that Redis being away never makes nodes steal from each other. Counters and the observer's own monotonic clock
 * alone count, never a wall clock (Amazon's DynamoDB lock client does the same).
 */
export function judge(witnessed: Witnessed, nowMs: number): 'up' | 'suspect' | 'down' {
  const heard = [witnessed.redis, witnessed.mysql].filter((sighting) => sighting !== null);
  if (heard.length === 0) return 'down';
  const silentForMs = nowMs - Math.max(...heard.map(({ changedAtMs }) => changedAtMs));
  if (silentForMs >= silenceMs) return 'down';
  return silentForMs >= silenceMs / 2 ? 'suspect' : 'up';
}
