import { EventEmitter, once } from 'node:events';

import { Executor } from '#cluster/compute/executor.ts';

/** How many no-op tasks a second the threads run, and how long a single one takes. `node bench/micro/compute.ts [threads]` */
const threads = Number(process.argv[2] ?? 2);
const bell = new EventEmitter();
let finished = 0;
let target = Infinity;
const executor = await Executor.start({
  modules: [new URL('../../test/compute/fixtures/tasks.ts', import.meta.url).href],
  inline: [],
  node: 'bench',
  threads,
  concurrency: 128 * threads,
  isolatedThreads: 1,
  warn: (message) => console.warn(message),
  events: {
    started: () => undefined,
    progressed: () => undefined,
    logged: () => undefined,
    finished: (_work, outcome) => {
      if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome));
      finished += 1;
      if (finished >= target) bell.emit('done');
      else if (target !== Infinity && sent < target) run();
    },
  },
});
let sent = 0;

await burst(20_000);
for (let round = 0; round < 3; round += 1) {
  const count = 200_000;
  const before = process.cpuUsage();
  const ms = await burst(count);
  const { user, system } = process.cpuUsage(before);
  // On a busy machine the processor time says more than the clock.
  const cpu = ((user + system) / count).toFixed(2);
  console.log(`${Math.round((count / ms) * 1000)} works/s, 2000 in flight, ${cpu} µs of CPU each`);
}
await latencies(2000);
const times = (await latencies(5000)).toSorted((a, b) => a - b);
console.log(`one at a time: p50 ${times[2500]?.toFixed(3)} ms, p99 ${times[4950]?.toFixed(3)} ms`);
await executor.stop(1000);

async function burst(count: number): Promise<number> {
  const began = performance.now();
  target = finished + count;
  sent = finished;
  const done = once(bell, 'done');
  for (let index = 0; index < Math.min(2000, count); index += 1) run();
  await done;
  return performance.now() - began;
}

async function latencies(count: number): Promise<number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index += 1) all.push(await burst(1));
  return all;
}

function run(): void {
  sent += 1;
  executor.run({
    actor: `w${sent}`,
    task: 0,
    attempt: 1,
    delivery: 1,
    queue: 'noop',
    priority: 3,
    isolate: false,
    scheduledAt: 1_700_000_000_000,
    job: {
      kind: 'task',
      workflow: 'bench',
      version: '1',
      step: 'noop',
      conditional: false,
      mapped: false,
      input: { order: 17, customer: 'somebody' },
      outputs: { first: { ok: true } },
      heartbeatDetails: null,
    },
  });
}
