import type { Json } from './json.ts';

/** Why an attempt, a workflow or a turn did not succeed, in a form that can be stored and shown. */
export interface Failure {
  /** What kind of thing went wrong; decides what the runtime does. */
  readonly kind: FailureKind;
  /** The class name of the error, e.g. `TypeError`; retry policies name it in `nonRetryable`. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly details?: Json;
  /** False when another attempt cannot help. */
  readonly retryable: boolean;
  /** Milliseconds until the next attempt, when the handler asked for a time (`RetryAfterError`). */
  readonly retryAfterMs?: number;
  /** The step that failed, when this is the failure of a workflow. */
  readonly step?: string;
}

export type FailureKind =
  /** The handler threw or rejected. */
  | 'error'
  /** One of the timeouts ran out; `name` says which, e.g. `StartToCloseTimeout`. */
  | 'timeout'
  /** The handler took down its thread: process.exit, out of memory, or killed because it would not stop. */
  | 'crashed'
  /** The handler returned something that JSON cannot hold, or input that does not fit the schema. */
  | 'invalid'
  /** Input or output is over the size limit. */
  | 'too-large'
  /** Delivered too often to nodes that died with it. */
  | 'poisoned'
  /** No node of the cluster has code for it. */
  | 'no-handler'
  | 'canceled';

/** Throw this in a handler when another attempt cannot help: the task fails at once. */
export class NonRetryableError extends Error {
  override readonly name: string = 'NonRetryableError';
  readonly retryable = false;
}

/** Throw this in a handler to choose the time of the next attempt; the attempt counts against `maxAttempts`. */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError';
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

const stackLimit = 8 * 1024;
const messageLimit = 8 * 1024;

/** Anything that was thrown -> a failure. Never throws itself, whatever the value is. */
export function failureOf(thrown: unknown, kind: FailureKind = 'error'): Failure {
  if (!(thrown instanceof Error)) {
    return { kind, name: 'Error', message: clip(describe(thrown), messageLimit), retryable: true };
  }
  const retryAfterMs: unknown = 'retryAfterMs' in thrown ? thrown.retryAfterMs : undefined;
  return {
    kind,
    name: thrown.name,
    message: clip(thrown.message, messageLimit),
    ...(thrown.stack === undefined ? {} : { stack: clip(thrown.stack, stackLimit) }),
    retryable: !('retryable' in thrown && thrown.retryable === false),
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs: Math.max(0, retryAfterMs) } : {}),
  };
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return 'a value that cannot be shown was thrown';
  }
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
