import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { Notices } from '#cluster/notices.ts';
import { type MetricDescription, NodeMetrics } from '#observe/node-metrics.ts';

/*
 * Writes the tables of docs/metrics.md, which are made of the registry that a node has; the words around them are written by
 * hand.
 */
const file = join(resolve(import.meta.dirname, '..'), 'docs', 'metrics.md');

/** The document with its tables as they should be. */
export async function metricsDocs(text: string): Promise<string> {
  const metrics = await new NodeMetrics(new Notices(), { version: 'x' }).describe();
  const [own, process] = [true, false].map((isOwn) =>
    metrics.filter(({ name }) => name.startsWith('temjob_') === isOwn),
  );
  return replaced(replaced(text, 'temjob', own ?? []), 'process', process ?? []);
}

function replaced(text: string, name: string, metrics: readonly MetricDescription[]): string {
  const [begin, end] = [`<!-- ${name}: made by npm run docs -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no place between ${begin} and ${end}`);
  return `${text.slice(0, from)}${begin}\n\n${tableOf(metrics)}\n${text.slice(to)}`;
}

function tableOf(metrics: readonly MetricDescription[]): string {
  const rows = metrics.map(({ name, type, labels, help }) =>
    [`\`${name}\``, type, unitOf(name), labels.map((label) => `\`${label}\``).join(', '), help]
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | '),
  );
  const head = ['metric | type | unit | labels | meaning', '--- | --- | --- | --- | ---'];
  return `${[...head, ...rows].map((row) => `| ${row} |`).join('\n')}\n`;
}

function unitOf(name: string): string {
  const [, unit = ''] = /_(seconds|bytes|ratio)(?:_total)?$/.exec(name) ?? [];
  return unit;
}

if (import.meta.main) {
  const before = await readFile(file, 'utf8');
  const text = await metricsDocs(before);
  if (before !== text) await writeFile(file, text);
  console.log(`docs/metrics.md ${before === text ? 'is as it was' : 'is written'}`);
}
