import type { NodeMetrics } from '#observe/node-metrics.ts';

/** What Prometheus would read, at one moment. */
export class Scrape {
  /** Names of all metrics, also of those that have no series yet. */
  readonly names: readonly string[];
  readonly series: readonly Series[];

  static async of(metrics: NodeMetrics): Promise<Scrape> {
    return new Scrape((await metrics.exposition()).text);
  }

  constructor(text: string) {
    this.names = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name);
    this.series = text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map(parse);
  }

  /** The sum over the series of this name that have these labels; 0 when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.series
      .filter((one) => one.name === name)
      .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((sum, one) => sum + one.value, 0);
  }

  /** The values of a label of a metric. */
  labels(name: string, label: string): ReadonlySet<string> {
    const all = this.series.filter((one) => one.name === name).map((one) => one.labels[label]);
    return new Set(all.filter((value) => value !== undefined));
  }
}

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function parse(line: string): Series {
  const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (found === null) throw new Error(`this is no sample: ${line}`);
  const [, name = '', labels = '', value] = found;
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text])),
    value: Number(value === '+Inf' ? Infinity : value),
  };
}
