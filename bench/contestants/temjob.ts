import { Node } from '#cluster/node.ts';

import type { Shape } from '../workloads.ts';
import type { Contestant, ContestantOptions } from './contestant.ts';

/** One TemJob node as it comes: default settings, tasks in its Piscina threads, every step in MySQL before the next begins. */
export class TemJob implements Contestant {
  readonly batch = 1;
  readonly #node: Node;
  readonly #shape: Shape;
  #tasks = 0;

  static async start({ redis, mysql, shape }: ContestantOptions): Promise<TemJob> {
    const modules = [new URL('temjob-workflows.ts', import.meta.url).href];
    return new TemJob(await Node.start({ name: 'bench', redis, mysql, modules }), shape);
  }

  private constructor(node: Node, shape: Shape) {
    this.#node = node;
    this.#shape = shape;
    node.notices.on('duty.failed', ({ duty, error }) => console.error(duty, error));
    node.notices.on('task.ended', () => {
      this.#tasks += 1;
    });
  }

  run(numbers: readonly number[]): readonly Promise<void>[] {
    return numbers.map(async (number) => await this.#run(number));
  }

  checkTasks(expected: number): void {
    if (this.#tasks !== expected) throw new Error(`${this.#tasks} tasks ran, not ${expected}`);
  }

  async stop(): Promise<void> {
    await this.#node.stop();
  }

  async #run(number: number): Promise<void> {
    const { api } = this.#node;
    const { name, steps } = this.#shape;
    const { id } = await api.start({ name, input: { number } });
    const { workflow } = await api.result(id, 60_000);
    const { state, output = {} } = workflow;
    const isRight =
      state === 'completed' &&
      output['number'] === number &&
      Object.keys(output).length === steps.length + 1 &&
      steps.every((step) => output[step.name] === true);
    if (!isRight) throw new Error(`a workflow has a wrong output: ${JSON.stringify(workflow)}`);
  }
}
