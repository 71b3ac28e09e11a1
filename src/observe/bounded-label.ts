/**
 * Keeps a label from growing: the first so many values are told apart, whatever comes later is "other". Names of workflows
 * and tasks come from definitions, which programs can make without end; every value of a label is a time series for ever.
 */
export class BoundedLabel {
  readonly #limit: number;
  readonly #known = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#limit) return other;
    this.#known.add(value);
    return value;
  }
}

const other = 'other';
