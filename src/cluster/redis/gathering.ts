/**
 * Gathers what is asked for in one tick, by key, and has it carried together. A key has at most one carry under way: what
 * is added meanwhile waits for it and then travels as one, so the order under a key holds even when a script has to be
 * sent again, and batches grow by themselves under load.
 */
export class Gathering<Key, Item, Result> {
  readonly #carry: (batches: readonly Batch<Key, Item, Result>[]) => Promise<void>;
  readonly #waiting = new Map<Key, Entry<Item, Result>[]>();
  readonly #busy = new Set<Key>();
  #isScheduled = false;

  /** `carry` settles every entry it is given, or rejects, which rejects those it left. */
  constructor(carry: (batches: readonly Batch<Key, Item, Result>[]) => Promise<void>) {
    this.#carry = carry;
  }

  async add(key: Key, item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const entry = { item, resolve, reject };
    const entries = this.#waiting.get(key);
    if (entries) entries.push(entry);
    else this.#waiting.set(key, [entry]);
    if (!this.#busy.has(key)) this.#schedule();
    return await promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // setImmediate and not a microtask: everything that one turn of the event loop read from its sockets goes together.
    setImmediate(() => {
      this.#isScheduled = false;
      // #flush never rejects.
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batches: Batch<Key, Item, Result>[] = [];
    for (const [key, waiting] of this.#waiting) {
      if (this.#busy.has(key)) continue;
      const entries = waiting.splice(0, batchLimit);
      if (waiting.length === 0) this.#waiting.delete(key);
      this.#busy.add(key);
      batches.push({ key, entries });
    }
    if (batches.length === 0) return;
    try {
      await this.#carry(batches);
    } catch (error) {
      for (const { entries } of batches) for (const entry of entries) entry.reject(error);
    }
    for (const { key } of batches) this.#busy.delete(key);
    if (this.#waiting.size > 0) this.#schedule();
  }
}

export interface Batch<Key, Item, Result> {
  readonly key: Key;
  readonly entries: readonly Entry<Item, Result>[];
}

interface Entry<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

// Redis serves nobody else during a script; 500 appends take it about 2 ms.
const batchLimit = 500;
