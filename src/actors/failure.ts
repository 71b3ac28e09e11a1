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
const nameLimit = 256;
const messageLimit = 8 * 1024;

/** Anything that was thrown -> a failure. Never throws itself, whatever the value is. */
export function failureOf(thrown: unknown, kind: FailureKind = 'error'): Failure {
  try {
    return isErrorLike(thrown)
      ? failureOfError(thrown, kind)
      : { ...unnamed(kind), message: clip(describe(thrown), messageLimit) };
  } catch {
    return { ...unnamed(kind), message: 'an error that cannot be read was thrown' };
  }
}

/** What has a message is an error, also when it is of another realm and `instanceof` does not know it. */
function isErrorLike(thrown: unknown): thrown is { readonly message: unknown } {
  return (
    thrown instanceof Error ||
    (typeof thrown === 'object' && thrown !== null && 'message' in thrown)
  );
}

function failureOfError(error: { readonly message: unknown }, kind: FailureKind): Failure {
  const stack = 'stack' in error ? error.stack : undefined;
  const retryAfterMs = 'retryAfterMs' in error ? error.retryAfterMs : undefined;
  return {
    kind,
    name: clip(nameOf(error), nameLimit),
    message: clip(describe(error.message), messageLimit),
    ...(typeof stack === 'string' ? { stack: clip(stack, stackLimit) } : {}),
    retryable: !('retryable' in error && error.retryable === false),
    ...(typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs)
      ? { retryAfterMs: Math.max(0, Math.round(retryAfterMs)) }
      : {}),
  };
}

/** The name that the class gave itself, else the name of the class: `class CardDeclined extends Error {}` is `CardDeclined`. */
function nameOf(error: object): string {
  const name = 'name' in error ? error.name : undefined;
  const { constructor } = error;
  const named =
    Object.hasOwn(error, 'name') ||
    typeof constructor !== 'function' ||
    constructor.name === '' ||
    constructor === Object ||
    Object.hasOwn(Object(constructor.prototype), 'name');
  if (!named) return constructor.name;
  return typeof name === 'string' && name !== '' ? name : 'Error';
}

function unnamed(kind: FailureKind): { kind: FailureKind; name: string; retryable: boolean } {
  return { kind, name: 'Error', retryable: true };
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
