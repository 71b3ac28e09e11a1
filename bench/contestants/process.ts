import { workloads } from '../workloads.ts';
import type { Workload } from '../workloads.ts';
import { BullMq } from './bullmq.ts';
import type { Answer, Contestant, Instruction, RunFigures } from './contestant.ts';
import { TemJob } from './temjob.ts';

/* The process of one contestant: does what its parent says, and measures itself. */

let running: { readonly contestant: Contestant; readonly workload: Workload } | null = null;
let begun = 0;

process.on('message', (instruction: Instruction) => {
  void obey(instruction);
});
process.on('disconnect', () => process.exit(1));

async function obey(instruction: Instruction): Promise<void> {
  try {
    answer({ type: 'done', run: await follow(instruction) });
    if (instruction.type === 'stop') process.disconnect();
  } catch (error) {
    answer({ type: 'failed', message: error instanceof Error ? `${error.stack}` : String(error) });
  }
}

async function follow(instruction: Instruction): Promise<RunFigures | null> {
  if (instruction.type === 'start') {
    const workload = workloads[instruction.workload];
    const options = { ...instruction, shape: workload.shape };
    const contestant =
      instruction.system === 'temjob' ? await TemJob.start(options) : await BullMq.start(options);
    running = { contestant, workload };
    return null;
  }
  if (running === null) throw new Error(`${instruction.type} came before start`);
  const { contestant, workload } = running;
  if (instruction.type === 'run') return await run(contestant, workload, instruction.workflows);
  await contestant.stop();
  return null;
}

async function run(
  contestant: Contestant,
  { shape, inFlight }: Workload,
  workflows: number,
): Promise<RunFigures> {
  const until = begun + workflows;
  const latenciesMs: number[] = [];
  const size = Math.min(contestant.batch, inFlight);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const client = async (): Promise<void> => {
    while (begun < until) {
      const numbers: number[] = [];
      while (numbers.length < size && begun < until) numbers.push((begun += 1));
      const handedInAt = performance.now();
      const ends = contestant.run(numbers).map(async (end) => {
        await end;
        latenciesMs.push(performance.now() - handedInAt);
      });
      await Promise.all(ends);
    }
  };
  await Promise.all(Array.from({ length: inFlight / size }, client));
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  contestant.checkTasks(until * shape.steps.length);
  return {
    ms,
    latenciesMs,
    cpuSeconds: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  };
}

function answer(message: Answer): void {
  process.send?.(message);
}
