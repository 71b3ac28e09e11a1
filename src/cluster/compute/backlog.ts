import type { Errand } from './errand.ts';

/** Errands that wait: priority 1 first, first come first served within a priority. */
export class Backlog {
  readonly #lines: Line[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(errand: Errand): void {
    this.#line(errand).errands.push(errand);
    this.#size += 1;
  }

  /** Back to the head of its line: it had its turn already. */
  pushFront(errand: Errand): void {
    const line = this.#line(errand);
    if (line.head > 0) {
      line.head -= 1;
      line.errands[line.head] = errand;
    } else {
      line.errands.unshift(errand);
    }
    this.#size += 1;
  }

  shift(): Errand | null {
    for (const line of this.#lines) {
      while (line.head < line.errands.length) {
        const errand = line.errands[line.head];
        line.head += 1;
        if (line.head > 256 && line.head * 2 > line.errands.length) {
          line.errands.splice(0, line.head);
          line.head = 0;
        }
        // Those that were dropped are passed over here, which is cheaper than finding them then.
        if (errand === undefined || errand.ended) continue;
        this.#size -= 1;
        return errand;
      }
    }
    return null;
  }

  /** Counts out one that is about to end while it waits here. */
  drop(): void {
    this.#size -= 1;
  }

  clear(): Errand[] {
    const all: Errand[] = [];
    for (let errand = this.shift(); errand !== null; errand = this.shift()) all.push(errand);
    return all;
  }

  #line({ work }: Errand): Line {
    const index = Math.min(Math.max(Math.trunc(work.priority) || 3, 1), 5) - 1;
    while (this.#lines.length <= index) this.#lines.push({ errands: [], head: 0 });
    return this.#lines[index] ?? { errands: [], head: 0 };
  }
}

interface Line {
  errands: Errand[];
  head: number;
}
