import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import type { Answer, Instruction, RunFigures, SystemName } from './contestants/contestant.ts';
import type { BenchServers } from './servers.ts';
import { workloads } from './workloads.ts';
import type { Counts, WorkloadName } from './workloads.ts';

/** What one contestant made of one workload. The names are those of the JSON output. */
export interface Figures {
  readonly workflows_per_s: number;
  readonly tasks_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly redis_commands_per_workflow: number;
  readonly mysql_commits_per_workflow: number;
  readonly cpu_s: number;
  readonly peak_rss_mb: number;
}

/** Runs a workload once, in a new process, on empty servers, after a warm-up. */
export async function runRound(
  servers: BenchServers,
  system: SystemName,
  workload: WorkloadName,
  { warmUp, workflows }: Counts,
  execArgv: readonly string[] = [],
): Promise<Figures> {
  const mysql = await servers.renew();
  await using contestant = new ContestantProcess(execArgv);
  await contestant.do({ type: 'start', system, workload, redis: servers.redisUrl, mysql });
  await contestant.do({ type: 'run', workflows: warmUp });
  const before = await servers.counts();
  const run = await contestant.do({ type: 'run', workflows });
  const after = await servers.counts();
  if (run === null) throw new Error('a run has no figures');
  await contestant.do({ type: 'stop' });
  const sorted = run.latenciesMs.toSorted((a, b) => a - b);
  const perSecond = workflows / (run.ms / 1000);
  return {
    workflows_per_s: perSecond,
    tasks_per_s: perSecond * workloads[workload].shape.steps.length,
    p50_ms: quantile(sorted, 0.5),
    p99_ms: quantile(sorted, 0.99),
    redis_commands_per_workflow: (after.redisCommands - before.redisCommands) / workflows,
    mysql_commits_per_workflow: (after.mysqlCommits - before.mysqlCommits) / workflows,
    cpu_s: run.cpuSeconds,
    peak_rss_mb: run.peakRssMb,
  };
}

/** Each figure's median over the rounds. */
export function medianOf(rounds: readonly Figures[]): Figures {
  const median = (name: keyof Figures): number => {
    const sorted = rounds.map((figures) => figures[name]).toSorted((a, b) => a - b);
    return quantile(sorted, 0.5);
  };
  return {
    workflows_per_s: median('workflows_per_s'),
    tasks_per_s: median('tasks_per_s'),
    p50_ms: median('p50_ms'),
    p99_ms: median('p99_ms'),
    redis_commands_per_workflow: median('redis_commands_per_workflow'),
    mysql_commits_per_workflow: median('mysql_commits_per_workflow'),
    cpu_s: median('cpu_s'),
    peak_rss_mb: median('peak_rss_mb'),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error('nothing was measured');
  return found;
}

class ContestantProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(execArgv: readonly string[]) {
    this.#child = fork(new URL('contestants/process.ts', import.meta.url), {
      execArgv: [...execArgv],
      // Standard output belongs to the figures.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  async do(instruction: Instruction): Promise<RunFigures | null> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#child.once('message', (message: Answer) => resolve(message));
      this.#child.once('exit', (code, signal) => {
        resolve({ type: 'failed', message: `its process ended: ${code ?? signal}` });
      });
      this.#child.send(instruction);
    });
    if (answer.type === 'failed') throw new Error(`a contestant failed: ${answer.message}`);
    return answer.run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    if (this.#child.connected) this.#child.disconnect();
    await exit;
    clearTimeout(timer);
  }
}
