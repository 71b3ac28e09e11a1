/**
 * Values by the name of a workflow, a task, or whatever definitions may bring: the first so many are told apart, whatever comes
 * later is "other". Every value of a label is a time series for ever, and programs can make names without end.
 */
export class ByName<Value> {
  readonly #limit: number;
  readonly #make: () => Value;
  readonly #values = new Map<string, Value>();

  constructor(limit: number, make: () => Value) {
    this.#limit = limit;
    this.#make = make;
  }

  of(name: string): Value {
    return this.#values.get(name) ?? this.#ofNew(name);
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: Value]> {
    return this.#values.entries();
  }

  #ofNew(name: string): Value {
    if (this.#values.size >= this.#limit && name !== other) return this.of(other);
    const value = this.#make();
    this.#values.set(name, value);
    return value;
  }
}

const other = 'other';
