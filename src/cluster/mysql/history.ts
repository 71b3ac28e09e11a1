import type { Json } from '#actors/json.ts';

import { list, type Pool } from './pool.ts';
import { int, text } from './row.ts';

/** A run of an actor's committed events, as the checkpointer writes it. It holds all events of each seq from first to last. */
export interface HistorySegment {
  readonly shard: number;
  readonly id: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** JSON text of `HistoryEvent[]`, in order. */
  readonly events: string;
}

export interface HistoryEvent<Event = Json> {
  readonly seq: number;
  readonly event: Event;
}

export interface HistoryRange {
  /** Only events with a greater seq. */
  readonly after?: number;
  /** Only events with a smaller seq. */
  readonly before?: number;
  readonly limit: number;
  /** Fewer than the limit when they are longer together than this, but one at least. */
  readonly bytes?: number;
}

/** Reads what an actor did. */
export class Histories {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Events, the oldest first.
   *
   * Segments may overlap: a new owner that replays the journal cuts it elsewhere than the one before. An event is what was
   * committed, so it is the same in both, and is given once.
   */
  async read<Event = Json>(
    shard: number,
    id: string,
    range: HistoryRange,
  ): Promise<readonly HistoryEvent<Event>[]> {
    const { before = Number.MAX_SAFE_INTEGER, limit, bytes = Infinity } = range;
    const found: HistoryEvent<Event>[] = [];
    let after = range.after ?? 0;
    let room = bytes;
    while (found.length < limit && room > 0 && after + 1 < before) {
      const segments = await this.#segments(shard, id, { after, before, limit });
      const wanted = chooseSegments(segments, after, limit - found.length, room);
      const had = found.length;
      for (const segment of await this.#texts(shard, id, wanted)) {
        // Written by our own checkpointer from values of this type.
        const events: readonly HistoryEvent<Event>[] = JSON.parse(segment);
        found.push(...events.filter(({ seq }) => seq > after && seq < before));
        after = found.at(-1)?.seq ?? after;
        room -= segment.length;
      }
      if (found.length === had) break;
    }
    return found.slice(0, limit);
  }

  /**
   * Begins with the segment that has the event after `after`, which is looked for backwards from there: so a long history
   * is not read from its beginning.
   */
  async #segments(
    shard: number,
    id: string,
    { after, before, limit }: { after: number; before: number; limit: number },
  ): Promise<readonly Segment[]> {
    const [begin] = await this.#pool.rows(
      `SELECT first_seq FROM history WHERE shard_id = ? AND id = ? AND first_seq <= ? AND last_seq > ?
       ORDER BY first_seq DESC LIMIT 1`,
      [shard, id, after + 1, after],
    );
    // A statement of its own: in a subquery, neither server would take what it finds for the bound of a range.
    const rows = await this.#pool.rows(
      `SELECT first_seq, last_seq, LENGTH(events) AS bytes FROM history
       WHERE shard_id = ? AND id = ? AND first_seq >= ? AND first_seq < ? AND last_seq > ?
       ORDER BY first_seq LIMIT ?`,
      [shard, id, begin === undefined ? after + 1 : int(begin, 'first_seq'), before, after, limit],
    );
    return rows.map((row) => ({
      firstSeq: int(row, 'first_seq'),
      lastSeq: int(row, 'last_seq'),
      bytes: int(row, 'bytes'),
    }));
  }

  async #texts(
    shard: number,
    id: string,
    segments: readonly Segment[],
  ): Promise<readonly string[]> {
    if (segments.length === 0) return [];
    const rows = await this.#pool.rows(
      `SELECT events FROM history WHERE shard_id = ? AND id = ? AND first_seq IN ${list(segments.length)} ORDER BY first_seq`,
      [shard, id, ...segments.map(({ firstSeq }) => firstSeq)],
    );
    return rows.map((row) => text(row, 'events'));
  }
}

interface Segment {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly bytes: number;
}

/** As many as have the events that are wanted, as far as they follow each other and there is room; one at least. */
function chooseSegments(
  segments: readonly Segment[],
  after: number,
  limit: number,
  room: number,
): readonly Segment[] {
  const chosen: Segment[] = [];
  let reached = after;
  let bytes = 0;
  for (const segment of segments) {
    const isFull = reached - after >= limit || bytes >= room;
    // One that begins earlier may reach further than the one before: it is found when it is looked for anew.
    if (chosen.length > 0 && (isFull || segment.firstSeq > reached + 1)) break;
    chosen.push(segment);
    reached = Math.max(reached, segment.lastSeq);
    bytes += segment.bytes;
  }
  return chosen;
}
