import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect } from 'chai';

const bench = new URL('../../bench/main.ts', import.meta.url).pathname;

const keys = [
  'system',
  'workload',
  'workflows_per_s',
  'tasks_per_s',
  'p50_ms',
  'p99_ms',
  'redis_commands_per_workflow',
  'mysql_commits_per_workflow',
  'cpu_s',
  'peak_rss_mb',
];

const tasksPerWorkflow = new Map([
  ['order', 5],
  ['chain40', 40],
  ['fan400', 401],
  ['latency', 5],
]);

async function run(...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--quick', ...args]);
  return stdout.trim().split('\n');
}

describe('the benchmark', function () {
  this.timeout(180_000);

  it('prints one JSON object for each system and workload, in which all figures are told', async () => {
    const lines = await run('--json');

    const results: Record<string, unknown>[] = lines.map((line) => JSON.parse(line));
    expect(results.map(({ system, workload }) => [workload, system])).to.deep.equal(
      [...tasksPerWorkflow.keys()].flatMap((name) => [
        [name, 'temjob'],
        [name, 'bullmq'],
      ]),
    );
    for (const result of results) {
      expect(Object.keys(result)).to.have.members(keys);
      const figures = new Map(Object.entries(result).map(([key, value]) => [key, Number(value)]));
      const figure = (name: string): number => figures.get(name) ?? Number.NaN;
      const tasks = tasksPerWorkflow.get(String(result['workload'])) ?? Number.NaN;
      expect(figure('workflows_per_s')).to.be.above(0);
      expect(figure('tasks_per_s') / figure('workflows_per_s')).to.be.closeTo(tasks, 0.1);
      expect(figure('p99_ms')).to.be.at.least(figure('p50_ms'));
      expect(figure('redis_commands_per_workflow')).to.be.above(0);
      expect(figure('mysql_commits_per_workflow') > 0).to.equal(result['system'] === 'temjob');
      expect(figure('cpu_s')).to.be.above(0);
      expect(figure('peak_rss_mb')).to.be.above(10);
    }
  });

  it('runs one workload alone, and prints it as a table with the comparison', async () => {
    const lines = await run('--workload', 'latency');

    expect(lines.filter((line) => line.startsWith('latency '))).to.have.length(2);
    expect(lines.at(-1)).to.match(/^latency: [\d.]+ times BullMQ's time/);
  });

  it('says which workloads there are when it is asked for another', async () => {
    const failure: unknown = await run('--workload', 'nonsense').catch((error: unknown) => error);

    expect(failure).to.be.an('error').with.property('message').that.includes('chain40');
  });
});
