import {
  type Attributes,
  context,
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Tracer,
} from '@opentelemetry/api';

import type { Actor } from '#actors/actor.ts';
import { parseActorId } from '#actors/ids.ts';
import type { Envelope } from '#actors/message.ts';
import type { Outcome, TaskJob, TurnJob, Work } from '#actors/work.ts';

import { opened, type OpenSpan } from './open-span.ts';
import { spanContextOf, traceparentOf } from './traceparent.ts';

/**
 * The spans of a node. Without an SDK, or when the trace is not sampled, there are none, and nothing is carried.
 *
 * All that happens to a workflow is in the trace of its submit: turns and tasks are children of the submit, flat, in the order
 * of time, however long the workflow is. What caused what is a link: from a turn to the task whose result it took, or to the
 * call that canceled it. An actor of the user's own lives on: there each message is in the trace of whoever sent it.
 */
export class Tracing {
  readonly #node: string;
  readonly #tracer: Tracer = trace.getTracer('temjob');

  constructor(node: string) {
    this.#node = node;
  }

  /** Runs a submit in a span, a child of where its caller is. Gives it the place that the start carries. */
  async submit<Result>(
    workflow: string,
    run: (span: OpenSpan | null) => Promise<Result>,
  ): Promise<Result> {
    return await this.#produce('temjob.submit', { 'temjob.workflow.name': workflow }, run);
  }

  /** Runs the sending of a message to an actor of the user's own, until what it waits for has come, in a span like a submit's. */
  async send<Result>(
    message: { readonly name: string; readonly key: string; readonly on: string },
    run: (span: OpenSpan | null) => Promise<Result>,
  ): Promise<Result> {
    return await this.#produce('temjob.send', aboutMessage(message), run);
  }

  /** Where the code that is running now is in a trace, when somebody records it. */
  here(): string | undefined {
    const span = trace.getSpan(context.active());
    return span?.isRecording() === true ? traceparentOf(span.spanContext()) : undefined;
  }

  /** A decision that was begun at this time (milliseconds since 1970) and is made; its span ends when it is durable. */
  turn(
    actor: Pick<Actor, 'id' | 'trace' | 'summary'>,
    message: Pick<Envelope, 'command' | 'trace'>,
    startTime: number,
  ): OpenSpan | null {
    const parent = actor.trace ?? message.trace;
    if (parent === undefined || quiet.has(message.command.type)) return null;
    const cause = message.trace === parent ? undefined : message.trace;
    const from = cause === undefined ? null : spanContextOf(cause);
    const links = from === null ? [] : [{ context: from }];
    const kind = SpanKind.CONSUMER;
    const span = this.#tracer.startSpan('temjob.turn', { kind, startTime, links }, childOf(parent));
    return opened(span, {
      ...aboutActor(actor),
      'temjob.message.type': message.command.type,
      'temjob.node': this.#node,
    });
  }

  /** Work that this node has in its hands: with the places of its spans in it, for what it causes. Null when nobody traces it. */
  attempt(work: Work): { readonly work: Work; readonly span: AttemptSpan } | null {
    const { job } = work;
    return job.kind === 'task' ? this.#task(work, job) : this.#messages(work, job);
  }

  #task(work: Work, job: TaskJob): { readonly work: Work; readonly span: AttemptSpan } | null {
    if (work.trace === undefined) return null;
    const span = this.#consume('temjob.task', work.trace, {
      'temjob.workflow.id': work.actor,
      'temjob.workflow.name': job.workflow,
      'temjob.task.type': work.queue,
      'temjob.task.step': job.step,
      'temjob.task.attempt': work.attempt,
      'temjob.task.delivery': work.delivery,
    });
    if (span === null) return null;
    return {
      work: { ...work, trace: span.trace },
      span: {
        trace: span.trace,
        began: (at) => span.event('temjob.task.began', at),
        ended: (outcome) => {
          if (outcome.status === 'failed') span.fail(outcome.failure);
          span.end({ 'temjob.task.outcome': outcome.status });
        },
      },
    };
  }

  /** A turn takes messages of many senders: a span for each that is traced, from when the turn is here until it ends. */
  #messages(work: Work, job: TurnJob): { readonly work: Work; readonly span: AttemptSpan } | null {
    if (job.messages.every((message) => message.trace === undefined)) return null;
    const spans = new Map<string, OpenSpan>();
    const messages = job.messages.map((message) => {
      const span =
        message.trace === undefined
          ? null
          : this.#consume('temjob.handle', message.trace, {
              ...aboutMessage({ ...job, on: message.on }),
              'temjob.actor.turn': work.task,
            });
      if (span === null) return message;
      spans.set(message.id, span);
      return { ...message, trace: span.trace };
    });
    return {
      work: { ...work, job: { ...job, messages } },
      span: {
        // The end of a turn is no message of any one of them.
        trace: undefined,
        // Turns do not tell when they begin.
        began: () => {},
        ended: (outcome) => {
          for (const [id, span] of spans) endHandling(span, id, outcome);
        },
      },
    };
  }

  async #produce<Result>(
    name: string,
    attributes: Attributes,
    run: (span: OpenSpan | null) => Promise<Result>,
  ): Promise<Result> {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.PRODUCER });
    const open = opened(span, { ...attributes, 'temjob.node': this.#node });
    if (open === null) return await run(null);
    try {
      return await context.with(trace.setSpan(context.active(), span), async () => await run(open));
    } catch (error) {
      open.fail(error);
      throw error;
    } finally {
      open.end();
    }
  }

  #consume(name: string, parent: string, attributes: Attributes): OpenSpan | null {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CONSUMER }, childOf(parent));
    return opened(span, { ...attributes, 'temjob.node': this.#node });
  }
}

/** Of work that this node has in its hands. */
export interface AttemptSpan {
  /** The place that the message of its end comes from. */
  readonly trace: string | undefined;
  /** The handler began at this time (milliseconds since 1970). */
  began(at: number): void;
  ended(outcome: Outcome): void;
}

/** Messages that only note how a task goes on: it has a span of its own. */
const quiet: ReadonlySet<string> = new Set(['task.started', 'task.progressed']);

function childOf(traceparent: string): Context {
  const place = spanContextOf(traceparent);
  return place === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, place);
}

function aboutActor(actor: Pick<Actor, 'id' | 'summary'>): Attributes {
  const own = parseActorId(actor.id);
  if (own !== null) return { 'temjob.actor.name': own.name, 'temjob.actor.key': own.key };
  return { 'temjob.workflow.id': actor.id, 'temjob.workflow.name': actor.summary().name };
}

function aboutMessage(message: {
  readonly name: string;
  readonly key: string;
  readonly on: string;
}): Attributes {
  return {
    'temjob.actor.name': message.name,
    'temjob.actor.key': message.key,
    'temjob.actor.message': message.on,
  };
}

/** A turn that had no time for all of its messages leaves the others for the next one. */
function endHandling(span: OpenSpan, id: string, outcome: Outcome): void {
  const { status } = outcome;
  const reply = status === 'turned' ? outcome.replies.find((one) => one.id === id) : undefined;
  if (status === 'failed') span.fail(outcome.failure);
  if (reply?.ok === false) span.fail(reply.failure);
  const answered = reply?.ok === false ? 'failed' : 'completed';
  const unanswered = status === 'turned' ? 'released' : status;
  span.end({ 'temjob.actor.outcome': reply === undefined ? unanswered : answered });
}
