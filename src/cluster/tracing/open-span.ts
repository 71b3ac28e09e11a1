import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';

import { ClusterError } from '../api.ts';
import { traceparentOf } from './traceparent.ts';

/** A span that is recorded. */
export interface OpenSpan {
  /** Its place, for whatever it causes. */
  readonly trace: string;
  set(attributes: Attributes): void;
  /** Something happened at this time (milliseconds since 1970). */
  event(name: string, at: number): void;
  fail(error: unknown): void;
  end(attributes?: Attributes): void;
}

/** Null when nobody records it. */
export function opened(span: Span, attributes: Attributes): OpenSpan | null {
  if (!span.isRecording()) return null;
  span.setAttributes(attributes);
  return {
    trace: traceparentOf(span.spanContext()),
    set: (more) => void span.setAttributes(more),
    event: (name, at) => void span.addEvent(name, undefined, at),
    fail: (error) => failed(span, error),
    end: (more = {}) => span.setAttributes(more).end(),
  };
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
