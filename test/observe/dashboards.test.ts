import { readFile } from 'node:fs/promises';

import { expect } from 'chai';
import { pino } from 'pino';
import { parse } from 'yaml';
import { z } from 'zod';

import { Notices } from '#cluster/notices.ts';
import { createDoor } from '#http/server.ts';
import { type MetricDescription, NodeMetrics } from '#observe/node-metrics.ts';

import { metricsDocs } from '../../scripts/metrics-docs.ts';
import { startCluster } from '../support/cluster.ts';
import { Scrape } from '../support/scrape.ts';

const ruleFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^TemJob[A-Z]\w+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[sm]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string().min(80) }),
        }),
      ),
    }),
  ),
});

const dashboard = JSON.parse(await fileText('deploy/observability/grafana-dashboard.json'));
const rules = ruleFile
  .parse(parse(await fileText('deploy/observability/alerts.yaml')))
  .groups.flatMap((group) => group.rules);

describe('what is shipped for Prometheus and Grafana', () => {
  /** What a real node tells at its door. */
  let told: ReadonlyMap<string, MetricDescription>;

  before(async () => {
    const notices = new Notices();
    const metrics = new NodeMetrics(notices, { version: '1' });
    await using cluster = await startCluster({ notices });
    metrics.watchNode(cluster.nodes[0]!);
    const log = pino({ level: 'silent' });
    const own = { cluster: cluster.api, host: '127.0.0.1', port: 0, dev: true, log };
    const door = await createDoor({ ...own, ...metrics.forDoor });
    const { names } = new Scrape(await (await fetch(`${door.url}/metrics`)).text());
    await door.close();
    const described = await metrics.describe();
    expect(names.toSorted()).to.deep.equal(described.map(({ name }) => name).toSorted());
    told = new Map(described.map((metric) => [metric.name, metric]));
  });

  it('are eight alerts, each with what it means and what to do', () => {
    expect(rules).to.have.length(8);
    expect(new Set(rules.map(({ alert }) => alert)).size).to.equal(8);
  });

  it('ask in every alert for what a node tells, by labels and values that there are', () => {
    for (const { alert, expr, annotations } of rules) {
      const given = check(alert, expr);
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
        expect(given, `${alert} names ${label}`).to.include(label);
      }
    }
  });

  it('ask in every panel for what a node tells, by labels and values that there are', () => {
    const asked = expressionsIn(dashboard);
    expect(asked.length).to.be.above(40);
    for (const { title, expr, legend } of asked) {
      const given = check(title, expr);
      for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(given, `${title} names ${label}`).to.include(label);
      }
    }
  });

  /** Checks what an expression speaks of, and returns the labels that it groups by. */
  function check(where: string, expr: string): readonly string[] {
    expect(expr.split('(').length, `${where}: ${expr}`).to.equal(expr.split(')').length);
    const labels = new Set(['instance', 'le']);
    const metrics = [...expr.matchAll(/\b((?:temjob|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)];
    expect(metrics.length, where).to.be.above(0);
    for (const [, name = '', selector = ''] of metrics) {
      const metric = told.get(name) ?? told.get(name.replace(/_(bucket|sum|count)$/, ''));
      if (metric === undefined) throw new Error(`${where}: there is no metric ${name}`);
      expect(name !== metric.name, `${where}: ${name}`).to.equal(metric.type === 'histogram');
      for (const label of metric.labels) labels.add(label);
      for (const [, label = '', value = ''] of selector.matchAll(/(\w+)=~?"([^"]*)"/g)) {
        expect(['instance', ...metric.labels], `${where}: ${name}`).to.include(label);
        if (!value.startsWith('$')) expect(metric.help, `${where}: ${label}`).to.include(value);
      }
    }
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(', '),
    );
    for (const label of grouped) expect([...labels], `${where}: by ${label}`).to.include(label);
    return grouped;
  }
});

describe('docs/metrics.md', () => {
  it('has every metric of the registry, with type, unit, labels and meaning (npm run docs)', async () => {
    const text = await fileText('docs/metrics.md');
    expect(await metricsDocs(text)).to.equal(text);
  });

  it('speaks of no metric that there is not', async () => {
    const text = await fileText('docs/metrics.md');
    const described = await new NodeMetrics(new Notices(), { version: '1' }).describe();
    const names = described.map(({ name }) => name);
    for (const [, name = ''] of text.matchAll(/\b(temjob_[a-z_]+)/g)) {
      const isFamily = name.endsWith('_') && names.some((one) => one.startsWith(name));
      if (!isFamily) expect(names).to.include(name);
    }
  });
});

interface Asked {
  readonly title: string;
  readonly expr: string;
  readonly legend: string;
}

/** All expressions anywhere in a dashboard. */
function expressionsIn(value: unknown, title = ''): readonly Asked[] {
  if (typeof value !== 'object' || value === null) return [];
  const named = 'title' in value && typeof value.title === 'string' ? value.title : title;
  const legend = ['legendFormat', 'titleFormat'].map((key) => Reflect.get(value, key)).join(' ');
  const own =
    'expr' in value && typeof value.expr === 'string'
      ? [{ title: named, expr: value.expr, legend }]
      : [];
  return [...own, ...Object.values(value).flatMap((inner) => expressionsIn(inner, named))];
}

async function fileText(path: string): Promise<string> {
  return await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
}
