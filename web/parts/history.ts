import { slim, type WorkflowEvent } from './events.ts';

/*
 * The events of one workflow, loaded as they are looked at. Their numbers have no gap, so a table knows where each belongs
 * before it is here: it can be scrolled anywhere at once, however many there are.
 */
const eventsPerPage = 1_000;

export interface HistoryParts {
  readonly load: (
    after: number,
    limit: number,
    signal: AbortSignal,
  ) => Promise<readonly WorkflowEvent[]>;
  /** Some events are here, or some could not be loaded. */
  readonly changed: () => void;
  readonly failed: (error: unknown) => void;
}

type Page = readonly WorkflowEvent[] | 'loading' | 'failed';

/** A page that could not be loaded is not asked for again at once, however often it is looked at. */
const restMs = 3_000;

export class History {
  readonly #parts: HistoryParts;
  readonly #stop = new AbortController();
  readonly #pages = new Map<number, Page>();
  #newest = 0;
  #readThrough: Promise<void> | null = null;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** The number of the newest event that is known of. */
  get newest(): number {
    return this.#newest;
  }

  /** Nothing has been loaded yet. */
  get isEmpty(): boolean {
    return this.#pages.size === 0;
  }

  /** There are events up to this one now. */
  grow(newest: number): void {
    this.#newest = Math.max(this.#newest, Math.floor(newest));
  }

  get(seq: number): WorkflowEvent | null {
    const events = this.#pages.get(pageOf(seq));
    if (events === undefined || typeof events === 'string') return null;
    return events[(seq - 1) % eventsPerPage] ?? null;
  }

  /** Sees to it that these are loaded, and says so by `changed` when they are. */
  want(first: number, last: number): void {
    for (
      let page = pageOf(Math.max(1, first));
      page <= pageOf(Math.min(last, this.#newest));
      page += 1
    ) {
      if (this.#lacks(page)) this.#own(this.#load(page));
    }
  }

  /** Reads everything from the beginning, a page after the other; resolves when it is all here. */
  async readThrough(): Promise<void> {
    this.#readThrough ??= this.#readAll().finally(() => {
      this.#readThrough = null;
    });
    await this.#readThrough;
  }

  /** The events after this number that are here without a gap, in bunches. */
  *read(after = 0): Generator<readonly WorkflowEvent[]> {
    for (let page = pageOf(after + 1); ; page += 1) {
      const events = this.#pages.get(page);
      if (events === undefined || typeof events === 'string') return;
      yield events;
      if (events.length < eventsPerPage) return;
    }
  }

  close(): void {
    this.#stop.abort();
  }

  async #readAll(): Promise<void> {
    for (let page = 0; page * eventsPerPage < this.#newest; page += 1) {
      if (this.#pages.get(page) === 'failed') return;
      if (this.#lacks(page)) await this.#load(page);
    }
  }

  /** A page that was the last one may have been loaded before it was full. */
  #lacks(page: number): boolean {
    const events = this.#pages.get(page);
    if (events === undefined) return true;
    if (typeof events === 'string') return false;
    const last = Math.min(this.#newest, (page + 1) * eventsPerPage);
    return page * eventsPerPage + events.length < last;
  }

  async #load(page: number): Promise<void> {
    const before = this.#pages.get(page);
    this.#pages.set(page, 'loading');
    try {
      const events = await this.#parts.load(page * eventsPerPage, eventsPerPage, this.#stop.signal);
      this.#pages.set(page, events.map(slim));
    } catch (error) {
      this.#pages.set(page, 'failed');
      setTimeout(() => this.#forgive(page, before), restMs);
      throw error;
    } finally {
      this.#changed();
    }
  }

  #forgive(page: number, before: Page | undefined): void {
    if (before === undefined || typeof before === 'string') this.#pages.delete(page);
    else this.#pages.set(page, before);
    this.#changed();
  }

  #changed(): void {
    if (!this.#stop.signal.aborted) this.#parts.changed();
  }

  #own(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#parts.failed(error);
    });
  }
}

function pageOf(seq: number): number {
  return Math.floor((seq - 1) / eventsPerPage);
}
