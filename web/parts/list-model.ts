import type { WorkflowRow } from '#http/live-protocol.ts';

import { matches, type WorkflowFilter } from './workflow-filter.ts';

/*
 * The rows of one page of the list, while workflows begin, change and end. What is shown stays where it is: a row that the
 * filter no longer wants is kept and marked, one that is new comes in at its place or, while somebody reads, waits to be asked for.
 */
export interface ShownRow {
  readonly row: WorkflowRow;
  /** It has changed since, and the filter would not find it any more. */
  readonly gone: boolean;
}

/** More than this are not shown at once; what is newer then waits for another look. */
const rowLimit = 200;
/** Rows that are new, and are counted before they are shown. */
const heldLimit = 1_000;

export class ListModel {
  readonly filter: WorkflowFilter;
  readonly isFirstPage: boolean;
  readonly #rows = new Map<string, WorkflowRow>();
  readonly #held = new Map<string, WorkflowRow>();
  #order: readonly string[] = [];
  #next: string | null = null;
  #isLoaded = false;

  constructor(filter: WorkflowFilter, isFirstPage: boolean) {
    this.filter = filter;
    this.isFirstPage = isFirstPage;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** The cursor of the next page; null when this is the last. */
  get next(): string | null {
    return this.#next;
  }

  get held(): number {
    return this.#held.size;
  }

  get ids(): readonly string[] {
    return this.#order;
  }

  get shown(): readonly ShownRow[] {
    return this.#order.flatMap((id) => {
      const row = this.#rows.get(id);
      return row === undefined ? [] : [{ row, gone: !matches(this.filter, row) }];
    });
  }

  get(id: string): WorkflowRow | null {
    return this.#rows.get(id) ?? null;
  }

  /** The page as the server lists it. With `still`, rows that are not shown yet wait. */
  loaded(rows: readonly WorkflowRow[], next: string | null, still: boolean): void {
    const first = !this.#isLoaded;
    this.#isLoaded = true;
    this.#next = next;
    if (first) {
      this.#order = rows.map(({ id }) => id);
      for (const row of rows) this.#keep(row);
      return;
    }
    for (const row of rows) this.take(row, still);
  }

  /** A row has changed, wherever it is. With `still`, one that is not shown yet waits. */
  take(row: WorkflowRow, still: boolean): void {
    if (this.#rows.has(row.id)) {
      this.#keep(row);
      return;
    }
    if (!this.#isLoaded || !this.#belongsHere(row)) {
      this.#held.delete(row.id);
      return;
    }
    if (still || this.#order.length >= rowLimit) {
      const known = this.#held.get(row.id);
      if (known === undefined ? this.#held.size < heldLimit : known.seq <= row.seq) {
        this.#held.set(row.id, row);
      }
    } else {
      this.#insert(row);
    }
  }

  /** Shows what waits. */
  release(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const row of held) this.take(row, false);
  }

  /** Whether the filter wants it, and it stands between the first and the last of this page. */
  #belongsHere(row: WorkflowRow): boolean {
    if (!matches(this.filter, row)) return false;
    const first = this.#rows.get(this.#order[0] ?? '');
    const last = this.#rows.get(this.#order.at(-1) ?? '');
    const afterFirst = this.isFirstPage || (first !== undefined && isNewer(first, row));
    const beforeLast = this.#next === null || (last !== undefined && isNewer(row, last));
    return afterFirst && beforeLast;
  }

  #insert(row: WorkflowRow): void {
    this.#keep(row);
    const place = this.#order.findIndex((id) => {
      const other = this.#rows.get(id);
      return other !== undefined && isNewer(row, other);
    });
    this.#order = this.#order.toSpliced(place < 0 ? this.#order.length : place, 0, row.id);
  }

  #keep(row: WorkflowRow): void {
    if ((this.#rows.get(row.id)?.seq ?? -1) <= row.seq) this.#rows.set(row.id, row);
  }
}

/** The order of the list: by creation, then by id. */
function isNewer(row: WorkflowRow, than: WorkflowRow): boolean {
  return row.created_at === than.created_at ? row.id > than.id : row.created_at > than.created_at;
}
