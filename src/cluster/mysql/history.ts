import type { Json } from '#actors/json.ts';

import type { Pool } from './pool.ts';
import { int, type Row, text } from './row.ts';

/** A run of an actor's committed events, as the checkpointer writes it. It holds all events of each seq from first to last. */
export interface HistorySegment {
  readonly shard: number;
  readonly id: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** JSON text of `HistoryEvent[]`, in order. */
  readonly events: string;
}

export interface HistoryEvent {
  readonly seq: number;
  readonly event: Json;
}

export interface HistoryRange {
  /** Only events with a greater seq. */
  readonly after?: number;
  /** Only events with a smaller seq. */
  readonly before?: number;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

/** Reads what an actor did. */
export class Histories {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Segments may overlap: a new owner that replays the journal cuts it elsewhere than the one before. An event is what was
   * committed, so it is the same in both, and is given once.
   */
  async read(shard: number, id: string, range: HistoryRange): Promise<readonly HistoryEvent[]> {
    const { limit, order } = range;
    const found: HistoryEvent[] = [];
    let after = range.after ?? -1;
    let before = range.before ?? Number.MAX_SAFE_INTEGER;
    while (found.length < limit) {
      const rows = await this.#pool.rows(
        `SELECT first_seq, last_seq, events FROM history
         WHERE shard_id = ? AND id = ? AND last_seq > ? AND first_seq < ?
         ORDER BY ${order === 'asc' ? 'first_seq' : 'last_seq DESC'} LIMIT 16`,
        [shard, id, after, before],
      );
      if (rows.length === 0) break;
      for (const row of rows) {
        const events = eventsOf(row).filter(({ seq }) => seq > after && seq < before);
        if (order === 'desc') events.reverse();
        found.push(...events);
        if (order === 'asc') after = Math.max(after, int(row, 'last_seq'));
        else before = Math.min(before, int(row, 'first_seq'));
      }
    }
    return found.slice(0, limit);
  }
}

function eventsOf(row: Row): HistoryEvent[] {
  // Written by our own checkpointer from values of this type.
  const events: HistoryEvent[] = JSON.parse(text(row, 'events'));
  return events;
}
