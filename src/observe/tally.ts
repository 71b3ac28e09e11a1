/**
 * A histogram of one time series. prom-client's own takes 0.3 µs to observe a value; with counters of the same price that came
 * to 9 µs for a workflow of five steps, 4 % of all that the main thread does for it. With these and plain numbers it is 2 µs.
 */
export class Tally {
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    let at = 0;
    for (const bound of this.bounds) {
      if (value <= bound) break;
      at += 1;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  get sum(): number {
    return this.#sum;
  }

  /** How many values were at most each of the bounds, and how many there were at all. */
  cumulative(): readonly number[] {
    let count = 0;
    return this.#counts.map((here) => (count += here));
  }
}

/** A histogram as Prometheus reads it. */
export interface TalliedHistogram {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Each with the values of the labels. */
  readonly tallies: Iterable<readonly [labels: readonly string[], tally: Tally]>;
}

export function textOf({ name, help, labels, tallies }: TalliedHistogram): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const [values, tally] of tallies) {
    const own = labels.map((label, index) => `${label}="${escape(values[index] ?? '')}"`);
    const counts = tally.cumulative();
    for (const [index, count] of counts.entries()) {
      const bound = tally.bounds[index] ?? '+Inf';
      lines.push(`${name}_bucket{${[...own, `le="${bound}"`].join(',')}} ${count}`);
    }
    const all = own.length === 0 ? '' : `{${own.join(',')}}`;
    lines.push(`${name}_sum${all} ${tally.sum}`, `${name}_count${all} ${counts.at(-1) ?? 0}`);
  }
  return `${lines.join('\n')}\n`;
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
