import { FlowProducer, Worker } from 'bullmq';
import type { FlowJob, Job } from 'bullmq';

import type { Shape } from '../workloads.ts';
import type { Contestant, ContestantOptions } from './contestant.ts';

const queueName = 'steps';

/**
 * BullMQ Flows as fast as we could make them on this kind of machine. Tried, order workload: concurrency 8, 32, 100, 200 and
 * 400 in one worker, 25 in each of four, ioredis' auto-pipelining, bulks of 10, 100 and 500 flows. From 100 on they differ by
 * less than the noise. What is left out in its favour: only the last step reads
 * the results of those before it (TemJob gives every step all of them), the end is heard of in this process (not by
 * QueueEvents), and jobs are removed as soon as they are done.
 */
const workers = 1;
const concurrency = 200;
const flowsPerBulk = 100;

export class BullMq implements Contestant {
  readonly batch = flowsPerBulk;
  readonly #shape: Shape;
  readonly #producer: FlowProducer;
  readonly #workers: readonly Worker[];
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #ran = 0;

  static async start({ redis, shape }: ContestantOptions): Promise<BullMq> {
    const url = new URL(redis);
    const connection = { path: decodeURIComponent(url.pathname), maxRetriesPerRequest: null };
    const system = new BullMq(connection, shape);
    await Promise.all([
      system.#producer.waitUntilReady(),
      ...system.#workers.map(async (worker) => await worker.waitUntilReady()),
    ]);
    return system;
  }

  private constructor(
    connection: { readonly path: string; readonly maxRetriesPerRequest: null },
    shape: Shape,
  ) {
    this.#shape = shape;
    this.#producer = new FlowProducer({ connection });
    const last = shape.steps.at(-1)?.name;
    const run = async (job: Job<StepData>): Promise<object> => {
      this.#ran += 1;
      if (job.name !== last) return { [job.name]: true };
      const values = await job.getChildrenValues();
      return { [job.name]: true, children: Object.keys(values).length };
    };
    this.#workers = Array.from({ length: workers }, () => {
      const worker = new Worker<StepData, object>(queueName, run, { connection, concurrency });
      worker.on('completed', (job, result) => {
        if (job.name === last) this.#ended(job.data.number, result);
      });
      worker.on('failed', (job, error) => {
        if (job !== undefined) this.#waiting.get(job.data.number)?.reject(error);
      });
      worker.on('error', (error) => console.error(error));
      return worker;
    });
  }

  run(numbers: readonly number[]): readonly Promise<void>[] {
    const ends = numbers.map((number) => {
      const end = Promise.withResolvers<void>();
      this.#waiting.set(number, end);
      return end;
    });
    this.#add(numbers).catch((error: unknown) => {
      for (const { reject } of ends) reject(error);
    });
    return ends.map(({ promise }) => promise);
  }

  checkTasks(expected: number): void {
    if (this.#ran !== expected) throw new Error(`${this.#ran} tasks ran instead of ${expected}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => await worker.close()));
    await this.#producer.close();
  }

  async #add(numbers: readonly number[]): Promise<void> {
    const [first] = numbers;
    if (numbers.length === 1 && first !== undefined) {
      await this.#producer.add(flowOf(this.#shape, first));
    } else {
      await this.#producer.addBulk(numbers.map((number) => flowOf(this.#shape, number)));
    }
  }

  #ended(number: number, result: object): void {
    const end = this.#waiting.get(number);
    this.#waiting.delete(number);
    const children = this.#shape.steps.at(-1)?.needs.length;
    if ('children' in result && result.children === children) end?.resolve();
    else end?.reject(new Error(`a workflow has a wrong output: ${JSON.stringify(result)}`));
  }
}

interface StepData {
  readonly number: number;
}

function flowOf({ steps }: Shape, number: number): FlowJob {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const jobOf = (name: string): FlowJob => ({
    name,
    queueName,
    data: { number } satisfies StepData,
    opts: { removeOnComplete: true },
    children: (byName.get(name)?.needs ?? []).map(jobOf),
  });
  return jobOf(steps.at(-1)?.name ?? '');
}
