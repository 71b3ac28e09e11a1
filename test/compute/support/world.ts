import type { Definition } from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';
import {
  type LogLine,
  type Outcome,
  type Progress,
  type TaskJob,
  type Work,
  type WorkRef,
  workKey,
} from '#actors/work.ts';
import { Executor, type ExecutorOptions } from '#cluster/compute/executor.ts';

/** An executor with everything that it tells, and ways to wait for it. */
export class World {
  readonly executor: Executor;
  readonly #tale: Tale;

  static async start(options: Partial<ExecutorOptions> = {}): Promise<World> {
    const tale = new Tale();
    const executor = await Executor.start({
      modules: [fixture('tasks'), fixture('hostile'), fixture('workflows')],
      inline: [],
      node: 'node-1',
      threads: 1,
      concurrency: 16,
      isolatedThreads: 1,
      graceMs: 200,
      events: {
        started: (work, at) => tale.add(work, { type: 'started', at }),
        progressed: (work, progress) => tale.add(work, { type: 'progressed', progress }),
        logged: (work, line) => tale.add(work, { type: 'logged', line }),
        finished: (work, outcome, startedAt) =>
          tale.add(work, { type: 'finished', outcome, startedAt }),
      },
      warn: (message) => tale.warn(message),
      ...options,
    });
    return new World(executor, tale);
  }

  private constructor(executor: Executor, tale: Tale) {
    this.executor = executor;
    this.#tale = tale;
  }

  /** Hands it in and says how it ended. */
  async outcome(work: Work): Promise<Outcome> {
    this.executor.run(work);
    return await this.finished(work);
  }

  async finished(work: WorkRef): Promise<Outcome> {
    const event = await this.#tale.next(work, (told) => told.type === 'finished');
    if (event.type !== 'finished') throw new Error('unreachable');
    return event.outcome;
  }

  async started(work: WorkRef): Promise<void> {
    await this.#tale.next(work, (told) => told.type === 'started');
  }

  async warned(part: string): Promise<void> {
    await this.#tale.warned(part);
  }

  told(work: WorkRef): readonly Told[] {
    return this.#tale.of(work);
  }

  /** Keys of works in the order in which they finished. */
  get order(): readonly string[] {
    return this.#tale.order;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.executor.stop(0);
  }
}

export type Told =
  | { readonly type: 'started'; readonly at: number }
  | { readonly type: 'progressed'; readonly progress: Progress }
  | { readonly type: 'logged'; readonly line: LogLine }
  | { readonly type: 'finished'; readonly outcome: Outcome; readonly startedAt: number | null };

class Tale {
  readonly order: string[] = [];
  readonly #told = new Map<string, Told[]>();
  readonly #warnings: string[] = [];
  /** By work, or 'warning'. */
  readonly #waiting = new Map<string, (() => void)[]>();

  add(work: WorkRef, told: Told): void {
    const key = workKey(work);
    this.#told.set(key, [...this.of(work), told]);
    if (told.type === 'finished') this.order.push(work.actor);
    this.#wake(key);
  }

  warn(message: string): void {
    this.#warnings.push(message);
    this.#wake('warning');
  }

  of(work: WorkRef): readonly Told[] {
    return this.#told.get(workKey(work)) ?? [];
  }

  async next(work: WorkRef, matches: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const found = this.of(work).find(matches);
      if (found !== undefined) return found;
      await this.#more(workKey(work));
    }
  }

  async warned(part: string): Promise<void> {
    while (!this.#warnings.some((warning) => warning.includes(part))) {
      await this.#more('warning');
    }
  }

  async #more(about: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.set(about, [...(this.#waiting.get(about) ?? []), resolve]);
    });
  }

  #wake(about: string): void {
    const waiting = this.#waiting.get(about) ?? [];
    this.#waiting.delete(about);
    for (const resolve of waiting) resolve();
  }
}

let count = 0;

/** One attempt of a task of the fixtures. */
export function attempt(
  queue: string,
  input: JsonObject = {},
  options: Partial<Omit<Work, 'job'>> & { readonly job?: Partial<TaskJob> } = {},
): Work {
  count += 1;
  const { job, ...rest } = options;
  return {
    actor: `w${count}`,
    task: 0,
    attempt: 1,
    delivery: 1,
    queue,
    priority: 3,
    isolate: false,
    scheduledAt: 1_700_000_000_000,
    job: {
      kind: 'task',
      workflow: 'test',
      version: 'v1',
      step: queue,
      conditional: false,
      mapped: false,
      input,
      outputs: {},
      heartbeatDetails: null,
      ...job,
    },
    ...rest,
  };
}

/** A turn of the actor of the fixtures. */
export function turn(
  state: JsonObject | null,
  messages: readonly (readonly [on: string, payload: number])[],
  name = 'counter',
): Work {
  return {
    ...attempt(`actor:${name}`),
    job: {
      kind: 'turn',
      name,
      key: 'k',
      state,
      messages: messages.map(([on, payload], index) => ({ id: `m${index}`, on, payload })),
    },
  };
}

export function fixture(name: string): string {
  return new URL(`../fixtures/${name}.ts`, import.meta.url).href;
}

export function closure(type: string, run: (input: JsonObject) => unknown): Definition {
  return { kind: 'task', type, run, options: {} };
}
