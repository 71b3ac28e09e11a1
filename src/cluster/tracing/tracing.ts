import {
  type Attributes,
  context,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';

import type { Actor } from '#actors/actor.ts';
import type { Envelope } from '#actors/message.ts';
import type { Outcome, Work } from '#actors/work.ts';

import { ClusterError } from '../api.ts';
import { spanContextOf, traceparentOf } from './traceparent.ts';

/**
 * The spans of a node. Without an SDK, or when the trace is not sampled, there are none, and nothing is carried.
 *
 * All that happens to a workflow is in the trace of its submit: turns and tasks are children of the submit, flat, in the order
 * of time, however long the workflow is. What caused what is a link: from a turn to the task whose result it took, or to the
 * call that canceled it.
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
    const span = this.#tracer.startSpan('temjob.submit', { kind: SpanKind.PRODUCER });
    if (!span.isRecording()) return await run(null);
    const open = this.#opened(span, { 'temjob.workflow.name': workflow });
    try {
      return await context.with(trace.setSpan(context.active(), span), async () => await run(open));
    } catch (error) {
      open.fail(error);
      throw error;
    } finally {
      open.end();
    }
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
    if (!span.isRecording()) return null;
    return this.#opened(span, {
      'temjob.workflow.id': actor.id,
      'temjob.workflow.name': actor.summary().name,
      'temjob.message.type': message.command.type,
    });
  }

  /** An attempt in the hands of this node. */
  task({ trace: parent, actor, queue, attempt, delivery, job }: Work): TaskSpan | null {
    if (parent === undefined || job.kind !== 'task') return null;
    const kind = SpanKind.CONSUMER;
    const span = this.#tracer.startSpan('temjob.task', { kind }, childOf(parent));
    if (!span.isRecording()) return null;
    const open = this.#opened(span, {
      'temjob.workflow.id': actor,
      'temjob.workflow.name': job.workflow,
      'temjob.task.type': queue,
      'temjob.task.step': job.step,
      'temjob.task.attempt': attempt,
      'temjob.task.delivery': delivery,
    });
    return {
      trace: open.trace,
      began: (at) => span.addEvent('temjob.task.began', undefined, at),
      ended: (outcome) => {
        if (outcome.status === 'failed') open.fail(outcome.failure);
        open.end({ 'temjob.task.outcome': outcome.status });
      },
    };
  }

  #opened(span: Span, attributes: Attributes): OpenSpan {
    span.setAttributes({ ...attributes, 'temjob.node': this.#node });
    return {
      trace: traceparentOf(span.spanContext()),
      set: (more) => void span.setAttributes(more),
      fail: (error) => failed(span, error),
      end: (more) => {
        if (more !== undefined) span.setAttributes(more);
        span.end();
      },
    };
  }
}

/** A span that is recorded. */
export interface OpenSpan {
  /** Its place, for whatever it causes. */
  readonly trace: string;
  set(attributes: Readonly<Record<string, string | number>>): void;
  fail(error: unknown): void;
  end(attributes?: Readonly<Record<string, string | number>>): void;
}

export interface TaskSpan {
  readonly trace: string;
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

function failed(span: Span, error: unknown): void {
  const { name, message, stack } = told(error);
  const code = error instanceof ClusterError ? error.code : name;
  span.recordException({ name, message, ...(stack === undefined ? {} : { stack }) });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.setAttribute('error.type', code);
}

/** An error, or a failure as the model keeps it. */
function told(error: unknown): { name: string; message: string; stack?: string } {
  if (typeof error !== 'object' || error === null) return { name: 'Error', message: String(error) };
  const [name, message, stack] = ['name', 'message', 'stack'].map((key) => Reflect.get(error, key));
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}
