import { parseArgs } from 'node:util';

import { systems } from './contestants/contestant.ts';
import type { SystemName } from './contestants/contestant.ts';
import { comparisonOf, jsonOf, tableHead, tableRow } from './report.ts';
import type { Figures } from './rounds.ts';
import { medianOf, runRound } from './rounds.ts';
import { BenchServers } from './servers.ts';
import { fullProfile, quickProfile, workloadNames } from './workloads.ts';
import type { WorkloadName } from './workloads.ts';

/*
 * TemJob beside BullMQ, on servers of their own: `npm run bench -- --help`.
 */
const usage = `npm run bench -- [options]
  --json              one JSON object per line
  --workload NAME     ${workloadNames.join(', ')}; may be repeated; all when absent
  --system NAME       ${systems.join(', ')}; both, alternately, when absent
  --rounds N          of which the median counts
  --quick             few workflows and one round: whether it works, not how fast
  --cpu-prof DIR      writes CPU profiles of the contestants there`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    workload: { type: 'string', multiple: true },
    system: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(usage);
else await bench();

async function bench(): Promise<void> {
  const profile = values.quick ? quickProfile : fullProfile;
  const rounds = Number(values.rounds ?? profile.rounds);
  const workloads = chosen('workload', workloadNames, values.workload);
  const contestants = chosen('system', systems, values.system);
  const profiling =
    values['cpu-prof'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values['cpu-prof']}`];
  await using servers = await BenchServers.start();
  if (!values.json) console.log(tableHead);
  const comparisons: string[] = [];
  for (const workload of workloads) {
    const figures = new Map<SystemName, Figures[]>(contestants.map((system) => [system, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [system, measured] of figures) {
        const counts = profile.counts[workload];
        measured.push(await runRound(servers, system, workload, counts, profiling));
      }
    }
    for (const [system, measured] of figures) {
      const result = { system, workload, figures: medianOf(measured) };
      console.log(values.json ? jsonOf(result) : tableRow(result));
    }
    comparisons.push(compare(workload, figures));
  }
  if (!values.json) console.log(`\n${comparisons.filter((line) => line !== '').join('\n')}`);
}

function compare(
  workload: WorkloadName,
  figures: ReadonlyMap<SystemName, readonly Figures[]>,
): string {
  const temjob = figures.get('temjob');
  const bullmq = figures.get('bullmq');
  if (temjob === undefined || bullmq === undefined) return '';
  return comparisonOf(medianOf(temjob), medianOf(bullmq), workload);
}

function chosen<Name extends string>(
  option: string,
  names: readonly Name[],
  wanted: readonly string[] | undefined,
): readonly Name[] {
  if (wanted === undefined) return names;
  const unknown = wanted.find((name) => !names.some((known) => known === name));
  if (unknown !== undefined) {
    throw new Error(`--${option} ${unknown}: there is ${names.join(', ')}\n${usage}`);
  }
  return names.filter((name) => wanted.includes(name));
}
