/** setTimeout counts in 32 bits; and a long sleep is cheap to renew. */
const longestMs = 60_000;
/** Reminders that were disarmed stay in the heap until they are more than those that count, and this many more. */
const compactFrom = 1_024;

/**
 * When which actor wants to be woken. The truth is the actor's state; this is a heap of reminders in memory, at most one an
 * actor: a reminder that comes too early costs one look.
 */
export class Timers {
  readonly #heap: Reminder[] = [];
  readonly #armed = new Map<string, number>();
  readonly #fire: (id: string, lateMs: number) => void;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Infinity;

  constructor(fire: (id: string, lateMs: number) => void) {
    this.#fire = fire;
  }

  /** Reminds of this actor at this time (milliseconds since 1970), unless it is reminded of earlier. */
  arm(id: string, at: number | null): void {
    if (at === null || (this.#armed.get(id) ?? Infinity) <= at) return;
    this.#armed.set(id, at);
    if (this.#heap.length > 2 * this.#armed.size + compactFrom) this.#compact();
    this.#push({ id, at });
    this.#schedule();
  }

  /** Forgets an actor; what is in the heap for it is dropped when its time comes. */
  disarm(id: string): void {
    this.#armed.delete(id);
  }

  get size(): number {
    return this.#armed.size;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#heap.length = 0;
    this.#armed.clear();
  }

  #schedule(): void {
    const next = this.#heap[0];
    if (next === undefined || (this.#timer !== null && this.#timerAt <= next.at)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = next.at;
    const ms = Math.min(Math.max(0, next.at - Date.now()), longestMs);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#ring();
    }, ms);
  }

  #ring(): void {
    const now = Date.now();
    for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
      this.#pop();
      if (this.#armed.get(next.id) !== next.at) continue;
      this.#armed.delete(next.id);
      this.#fire(next.id, now - next.at);
    }
    this.#schedule();
  }

  /** Sorted by time is a heap, too. */
  #compact(): void {
    const counting = this.#heap.filter(({ id, at }) => this.#armed.get(id) === at);
    this.#heap.splice(0, this.#heap.length, ...counting.toSorted((a, b) => a.at - b.at));
  }

  #push(reminder: Reminder): void {
    const heap = this.#heap;
    let at = heap.push(reminder) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= reminder.at) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = reminder;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const child =
        (heap[left + 1]?.at ?? Infinity) < (heap[left]?.at ?? Infinity) ? left + 1 : left;
      const below = heap[child];
      if (below === undefined || below.at >= last.at) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

interface Reminder {
  readonly id: string;
  readonly at: number;
}
