import { setImmediate } from 'node:timers/promises';

import { UserActor, WorkflowActor } from '#actors/actor.ts';
import type { Definition, TaskContext, WorkflowDefinition } from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';
import { parseDuration } from '#actors/duration.ts';
import { failureOf } from '#actors/failure.ts';
import { actorId, isActorKey, isWorkflowId } from '#actors/ids.ts';
import type { JsonObject } from '#actors/json.ts';
import type { Command, Effect, Reply } from '#actors/message.ts';
import { planOf } from '#actors/plan.ts';
import type { Outcome, Work, WorkRef } from '#actors/work.ts';
import { Registry } from '#cluster/compute/registry.ts';
import { Reports, type ReportsOut } from '#cluster/compute/reports.ts';
import { type Host, prepare, runWork } from '#cluster/compute/run-work.ts';

import type { Actor, ActorRef } from './actor.ts';
import { StandIns } from './stand-ins.ts';
import { asJson, validInput } from './test-input.ts';
import type { Watched } from './test-run.ts';
import { accepted, TestRun } from './test-run.ts';

export { WorkflowCanceledError, WorkflowFailedError } from './client-errors.ts';
export { RefusedError, TestRun } from './test-run.ts';

/**
 * Workflows and actors in memory, on a clock of their own: the same decisions as in a cluster, the same code around your
 * handlers, and no servers. While a test waits and no handler runs, time jumps to whatever is due next, so a retry in an
 * hour takes no time.
 *
 *     const env = testEnvironment();
 *     env.failTask('charge', new Error('bank is down'), { times: 2 });
 *     const run = env.start(orders, { order: 7 });
 *     expect(await run.result()).to.include({ charged: true });
 *
 * Handlers run in this process: their own timers and `Date.now()` are real.
 */
export function testEnvironment(options: TestEnvironmentOptions = {}): TestEnvironment {
  return new TestEnvironment(options);
}

export interface TestEnvironmentOptions {
  /** Task types that steps name without bringing them; what is started or asked is there without being named here. */
  readonly definitions?: readonly Definition[];
  /** What the clock says at first. Default 2030-01-01. */
  readonly now?: Date;
  /** False: time passes by `skip` alone. */
  readonly autoSkip?: boolean;
  /** 0 <= random < 1; decides the jitter of retries. Default 0: the whole interval. */
  readonly random?: () => number;
}

/** What stands in for a task: its output, or a handler. */
export type Mock =
  | { readonly output: unknown }
  | ((input: JsonObject, context: TaskContext) => unknown);

export interface StartOptions {
  readonly id?: string;
  /** Before the definition's own. */
  readonly timeout?: Duration;
}

export class TestEnvironment {
  readonly #registry = new Registry();
  readonly #actors = new Map<string, Watched>();
  readonly #standIns = new StandIns();
  readonly #running = new Map<string, Attempt>();
  readonly #calls = new Map<string, (reply: Reply) => void>();
  readonly #waits = new Set<Wait>();
  readonly #isAutomatic: boolean;
  readonly #random: () => number;
  #now: number;
  #ids = 0;
  #decisions = 0;
  #isDriving = false;
  #broken: Error | null = null;
  #pulse = Promise.withResolvers<void>();

  constructor(options: TestEnvironmentOptions) {
    const { definitions = [], now = new Date('2030-01-01T00:00:00Z') } = options;
    for (const definition of definitions) this.#know(definition);
    this.#now = now.getTime();
    this.#isAutomatic = options.autoSkip ?? true;
    this.#random = options.random ?? (() => 0);
  }

  /** What the clock says. */
  get now(): Date {
    return new Date(this.#now);
  }

  /** Lets something stand in for a task, named by its step or its type. The newest stand-in that has times left is taken. */
  mockTask(task: string, mock: Mock, { times = Infinity }: Times = {}): void {
    const run = typeof mock === 'function' ? mock : (): unknown => mock.output;
    this.#standIns.add({ task, left: times, run });
  }

  /** Fails attempts of a task, all of them or so many; then comes whatever stood there before. */
  failTask(task: string, error: unknown, times: Times = {}): void {
    const fail = (): never => {
      throw error;
    };
    this.mockTask(task, fail, times);
  }

  /** Lets attempts of a task, one unless said otherwise, go on until one of their timeouts runs out. */
  forceTimeout(task: string, { times = 1 }: Times = {}): void {
    this.#standIns.add({ task, left: times, run: null });
  }

  /**
   * Starts a workflow. Its first steps run as soon as the test waits for something.
   * @throws TypeError when the input does not fit the definition's schema
   */
  start<Input, Output, Signals>(
    definition: WorkflowDefinition<Input, Output, Signals>,
    input: NoInfer<Input>,
    options: StartOptions = {},
  ): TestRun<Output, Signals> {
    this.#know(definition);
    const { name, version } = definition.graph;
    const id = options.id ?? `${name}-${(this.#ids += 1)}`;
    if (!isWorkflowId(id))
      throw new TypeError(`${JSON.stringify(id)} cannot be the id of a workflow.`);
    const watched =
      this.#actors.get(id) ?? this.#watch(new WorkflowActor(id, planOf(definition.graph)));
    const command: Command = {
      type: 'workflow.start',
      name,
      version,
      input: validInput(definition, input),
      timeoutMs: options.timeout === undefined ? null : parseDuration(options.timeout),
      onConflict: 'fail',
    };
    accepted(this.#call(watched, command));
    return new TestRun<Output, Signals>(definition, watched, {
      call: (message) => this.#call(watched, message),
      wait: async (look, what) => await this.#wait(look, what),
    });
  }

  /** An actor of the user's own, with this key. */
  actor<State, Messages>(definition: Actor<State, Messages>, key: string): ActorRef<Messages> {
    this.#know(definition);
    if (!isActorKey(key))
      throw new TypeError(`${JSON.stringify(key)} cannot be the key of an actor.`);
    const { name } = definition;
    const id = actorId(name, key);
    const watched = this.#actors.get(id) ?? this.#watch(new UserActor(id, definition));
    const message = (on: string, payload: unknown, ask: boolean): Command => ({
      type: 'actor.message',
      name,
      key,
      on,
      payload: asJson(payload, `the payload of "${on}"`),
      ask,
    });
    return {
      id,
      ask: async (on, ...payload) => {
        const answer: { reply?: Reply } = {};
        this.#send(watched, message(on, payload[0], true), (reply) => {
          answer.reply = reply;
        });
        const reply = await this.#wait(() => answer.reply, `the reply of ${id} to "${on}"`);
        // JSON as any client would get it; that it is what the handler replies is what the definition says.
        return JSON.parse(JSON.stringify(accepted(reply)));
      },
      tell: async (on, ...payload) => {
        accepted(this.#call(watched, message(on, payload[0], false)));
        await nextTurn();
      },
    };
  }

  /** Lets time pass: what falls due on the way happens at its time, and handlers get to run in between. */
  async skip(duration: Duration): Promise<void> {
    this.#checkStandIns();
    if (this.#broken !== null) throw this.#broken;
    const until = this.#now + parseDuration(duration);
    await this.#quiet();
    for (let due = this.#dueAt(); due !== null && due <= until; due = this.#dueAt()) {
      this.#wakeAt(due);
      await this.#quiet();
    }
    this.#now = until;
  }

  #know(definition: Definition): void {
    if (!this.#registry.has(definition)) this.#registry.add(definition, 'the test');
  }

  #watch(actor: Watched['actor']): Watched {
    const watched: Watched = { actor, history: [], logs: [] };
    this.#actors.set(actor.id, watched);
    return watched;
  }

  /** Sends a command and gives the reply, which a decision makes at once. */
  #call(to: Watched, command: Command): Reply {
    const answer: { reply?: Reply } = {};
    this.#send(to, command, (reply) => {
      answer.reply = reply;
    });
    if (answer.reply === undefined) throw new Error(`${command.type} was not answered`);
    return answer.reply;
  }

  #send(to: Watched, command: Command, onReply?: (reply: Reply) => void): void {
    this.#decisions += 1;
    const id = `m${this.#decisions}`;
    if (onReply !== undefined) this.#calls.set(id, onReply);
    const { events, effects } = to.actor.handle(
      { id, command, ...(onReply === undefined ? {} : { replyTo: { node: nodeName, call: id } }) },
      { now: this.#now, random: this.#random, place: () => nodeName },
    );
    for (const event of events) to.history.push(copy(event));
    for (const effect of effects) this.#perform(effect);
    for (const wait of this.#waits) wait.look();
    this.#beat();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'execute':
        this.#begin(copy(effect.work));
        return;
      case 'abort':
        this.#running.get(keyOf(effect.ref))?.abort(effect.reason);
        this.#running.delete(keyOf(effect.ref));
        return;
      case 'reply': {
        this.#calls.get(effect.to.call)?.(effect.reply);
        this.#calls.delete(effect.to.call);
      }
    }
  }

  #begin(work: Work): void {
    const watched = this.#actors.get(work.actor);
    if (watched === undefined) throw new Error(`nobody watches ${work.actor}`);
    const attempt = new Attempt({
      progressed: (progress) =>
        this.#send(watched, {
          type: 'task.progressed',
          step: work.task,
          attempt: work.attempt,
          progress,
        }),
      logged: ({ level, message }) => {
        watched.logs.push({
          at: this.#now,
          level,
          message,
          step: work.task,
          attempt: work.attempt,
        });
      },
    });
    this.#running.set(keyOf(work), attempt);
    this.#background(this.#run(watched, work, attempt));
  }

  async #run(watched: Watched, work: Work, attempt: Attempt): Promise<void> {
    // The test goes on first: it may want to cancel.
    await nextTurn();
    if (attempt.abortReason !== null) return;
    const startedAt = this.#now;
    const { task, attempt: number, delivery } = work;
    if (work.job.kind === 'task') {
      const at = startedAt;
      this.#send(watched, {
        type: 'task.started',
        step: task,
        attempt: number,
        delivery,
        node: nodeName,
        at,
      });
    }
    const text = await this.#outcome(work, attempt);
    attempt.reports.close();
    this.#running.delete(keyOf(work));
    this.#beat();
    if (text === null) return;
    const outcome: Outcome = JSON.parse(text);
    this.#send(
      watched,
      work.job.kind === 'task'
        ? {
            type: 'task.ended',
            step: task,
            attempt: number,
            delivery,
            node: nodeName,
            startedAt,
            outcome,
          }
        : { type: 'turn.ended', turn: task, delivery, node: nodeName, outcome },
    );
  }

  /** The outcome as text, or null when there is to be none. `when` and `map` are evaluated whoever runs the task. */
  async #outcome(work: Work, attempt: Attempt): Promise<string | null> {
    const { job } = work;
    if (job.kind === 'turn') return await runWork(work, this.#registry, attempt);
    const actor = this.#actors.get(work.actor)?.actor;
    const standIn =
      actor instanceof WorkflowActor ? this.#standIns.find(actor.plan, work.task) : null;
    if (standIn === null) return await runWork(work, this.#registry, attempt);
    let prepared;
    try {
      prepared = await prepare(job, this.#registry);
    } catch (error) {
      return JSON.stringify({ status: 'failed', failure: failureOf(error) } satisfies Outcome);
    }
    if (typeof prepared === 'string') return prepared;
    standIn.left -= 1;
    if (standIn.run === null) return null;
    const registry = new Registry();
    registry.add({ kind: 'task', type: work.queue, run: standIn.run, options: {} }, 'a stand-in');
    return await runWork(work, registry, attempt, prepared);
  }

  /** Resolves with what `look` finds, as soon as it does. */
  async #wait<Found>(look: () => Found | undefined, what: string): Promise<Found> {
    this.#checkStandIns();
    if (this.#broken !== null) throw this.#broken;
    const found = Promise.withResolvers<Found>();
    const reject = (error: unknown): void => {
      this.#waits.delete(wait);
      found.reject(error);
    };
    const wait: Wait = {
      what,
      reject,
      look: () => {
        try {
          const value = look();
          if (value === undefined) return;
          this.#waits.delete(wait);
          found.resolve(value);
        } catch (error) {
          reject(error);
        }
      },
    };
    this.#waits.add(wait);
    wait.look();
    if (!this.#isDriving) this.#background(this.#drive());
    return await found.promise;
  }

  /** While somebody waits: handlers run as long as they want, and when none does, time jumps. */
  async #drive(): Promise<void> {
    this.#isDriving = true;
    try {
      for (await this.#quiet(); this.#waits.size > 0; await this.#quiet()) {
        const due = this.#dueAt();
        if (this.#running.size > 0 || !this.#isAutomatic) await this.#pulse.promise;
        else if (due !== null) this.#wakeAt(due);
        else this.#giveUp();
      }
    } finally {
      this.#isDriving = false;
    }
  }

  #giveUp(): void {
    const signals = [...this.#actors.values()].flatMap(({ actor }) =>
      actor instanceof WorkflowActor ? awaitedBy(actor) : [],
    );
    const awaited =
      signals.length === 0
        ? ''
        : ` Signals are waited for: ${signals.join(', ')}; send one with run.signal(…).`;
    for (const wait of this.#waits) {
      wait.reject(
        new Error(`${wait.what} will never come: nothing runs, and nothing is due.${awaited}`),
      );
    }
  }

  /** Until a turn of the event loop has passed in which nothing was decided: handlers that wait for nothing real are done. */
  async #quiet(): Promise<void> {
    for (let before = -1; before !== this.#decisions;) {
      before = this.#decisions;
      await nextTurn();
      await nextTurn();
    }
  }

  #dueAt(): number | null {
    const due = [...this.#actors.values()].flatMap(({ actor }) => actor.dueAt() ?? []);
    return due.length === 0 ? null : Math.max(this.#now, Math.min(...due));
  }

  #wakeAt(at: number): void {
    this.#now = at;
    for (const watched of this.#actors.values()) {
      const due = watched.actor.dueAt();
      if (due !== null && due <= at) this.#send(watched, { type: 'wake' });
    }
  }

  #beat(): void {
    this.#pulse.resolve();
    this.#pulse = Promise.withResolvers<void>();
  }

  /** Owns what goes on by itself: if it breaks, whoever waits hears of it. */
  #background(promise: Promise<void>): void {
    promise.catch((error: unknown) => {
      this.#broken = new Error('the test environment broke', { cause: error });
      for (const wait of this.#waits) wait.reject(this.#broken);
    });
  }

  #checkStandIns(): void {
    this.#standIns.check(
      [...this.#actors.values()].flatMap(({ actor }) =>
        actor instanceof WorkflowActor ? [actor.plan] : [],
      ),
    );
  }
}

const nodeName = 'test';
const limits = { warnBytes: 512 * 1024, maxBytes: 2 * 1024 * 1024 };

export interface Times {
  readonly times?: number;
}

/** Somebody who waits for something. */
interface Wait {
  readonly what: string;
  look(): void;
  reject(error: unknown): void;
}

/** An attempt, or a turn, that runs in this process. */
class Attempt implements Host {
  readonly node = nodeName;
  readonly limits = limits;
  readonly reports: Reports;
  readonly #controller = new AbortController();
  abortReason: string | null = null;

  constructor(out: ReportsOut) {
    this.reports = new Reports(out);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: string): void {
    this.abortReason = reason;
    this.#controller.abort(new DOMException(reason, 'AbortError'));
  }
}

function awaitedBy({ id, plan, state }: WorkflowActor): readonly string[] {
  return plan.steps.flatMap(({ number, step }) =>
    state?.tasks[number]?.status === 'waiting' ? [`"${step.name}" of ${id}`] : [],
  );
}

function keyOf({ actor, task, attempt, delivery }: WorkRef): string {
  return `${actor}.${task}.${attempt}.${delivery}`;
}

/** As it would be on the other side of a journal or a thread. */
function copy<T extends object>(value: T): T {
  const copied: T = JSON.parse(JSON.stringify(value));
  return copied;
}

async function nextTurn(): Promise<void> {
  await setImmediate();
}
