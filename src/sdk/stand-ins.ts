import type { TaskContext } from '#actors/definition.ts';
import { didYouMean } from '#actors/did-you-mean.ts';
import type { Plan } from '#actors/plan.ts';

/** What a test lets run, or never end, in the place of a task. */
export interface StandIn {
  /** The name of a step, or the type of a task. */
  readonly task: string;
  left: number;
  /** null: it never ends. */
  readonly run: ((input: never, context: TaskContext) => unknown) | null;
}

export class StandIns {
  readonly #all: StandIn[] = [];

  add(standIn: StandIn): void {
    this.#all.push(standIn);
  }

  /** The newest that has times left. */
  find(plan: Plan, number: number): StandIn | null {
    const step = plan.steps[number]?.step;
    return (
      this.#all.findLast(
        ({ task, left }) => left > 0 && (task === step?.name || task === step?.task),
      ) ?? null
    );
  }

  /** A stand-in for a task that is nowhere is a slip of the pen, and would let the test pass for the wrong reason. */
  check(plans: readonly Plan[]): void {
    const names = new Set(
      plans.flatMap(({ steps }) => steps.flatMap(({ step }) => [step.name, step.task])),
    );
    const waiting = plans
      .flatMap(({ steps }) => steps)
      .find(
        ({ step }) => step.signal !== undefined && this.#all.some(({ task }) => task === step.name),
      );
    if (waiting !== undefined) {
      throw new Error(
        `Nothing can stand in for "${waiting.step.name}", which runs nothing: it waits for its signal. Send it with run.signal("${waiting.step.name}", …).`,
      );
    }
    const astray = names.size === 0 ? undefined : this.#all.find(({ task }) => !names.has(task));
    if (astray === undefined) return;
    throw new Error(
      `There is no step or task type "${astray.task}" to stand in for.${didYouMean(astray.task, [...names])} There are: ${[...names].join(', ')}.`,
    );
  }
}
