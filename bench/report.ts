import type { SystemName } from './contestants/contestant.ts';
import type { Figures } from './rounds.ts';
import type { WorkloadName } from './workloads.ts';

export interface Result {
  readonly system: SystemName;
  readonly workload: WorkloadName;
  readonly figures: Figures;
}

/** One JSON object, for one line. */
export function jsonOf({ system, workload, figures }: Result): string {
  const rounded = Object.entries(figures).map(([name, value]) => [name, round(Number(value))]);
  return JSON.stringify({ system, workload, ...Object.fromEntries(rounded) });
}

export const tableHead = [
  'workload  system   workflows/s   tasks/s   p50 ms   p99 ms  Redis cmds/wf  MySQL commits/wf  CPU s  RSS MB',
  '--------  -------  -----------  --------  -------  -------  -------------  ----------------  -----  ------',
].join('\n');

export function tableRow({ system, workload, figures }: Result): string {
  return [
    workload.padEnd(8),
    system.padEnd(7),
    figures.workflows_per_s.toFixed(1).padStart(11),
    figures.tasks_per_s.toFixed(0).padStart(8),
    figures.p50_ms.toFixed(2).padStart(7),
    figures.p99_ms.toFixed(2).padStart(7),
    figures.redis_commands_per_workflow.toFixed(1).padStart(13),
    figures.mysql_commits_per_workflow.toFixed(3).padStart(16),
    figures.cpu_s.toFixed(2).padStart(5),
    figures.peak_rss_mb.toFixed(0).padStart(6),
  ].join('  ');
}

/** How the two compare, in the words of the goals: throughput for `order`, time for the rest. */
export function comparisonOf(temjob: Figures, bullmq: Figures, workload: WorkloadName): string {
  if (workload === 'order') {
    const times = temjob.workflows_per_s / bullmq.workflows_per_s;
    return `${workload}: ${times.toFixed(2)} times BullMQ's workflows/s`;
  }
  return `${workload}: ${(temjob.p50_ms / bullmq.p50_ms).toFixed(2)} times BullMQ's time (p50)`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
