import type { OpenLimit, RetryPolicy, TaskOptions, Timeouts } from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';
import { parseDuration } from '#actors/duration.ts';

import type { DefinitionErrorCode } from './definition-error.ts';
import { DefinitionError } from './definition-error.ts';

/** When a failed attempt is tried again. What is left out comes from the next wider place: step, task, workflow, default. */
export interface RetryOptions {
  /** Attempts in all, the first one included. Default 3. */
  readonly maxAttempts?: number;
  /** The same said the other way: attempts after the first. */
  readonly maxRetries?: number;
  /** Before the second attempt. Default 1s. */
  readonly initialInterval?: Duration;
  /** Each interval is the one before times this. Default 2. */
  readonly backoffCoefficient?: number;
  /** Default 60s, or `initialInterval` when that is longer. */
  readonly maxInterval?: Duration;
  /** 0 to 1: the part of an interval that chance may take away. Default 0.5. */
  readonly jitter?: number;
  /** No attempt begins later than this after the first was scheduled. Default null, no limit. */
  readonly maxElapsed?: Duration | null;
  /** Errors that another attempt cannot help, by name or by class. A class stands for itself, not for its subclasses. */
  readonly nonRetryable?: readonly (string | ErrorClass)[];
}

/** Limits of a task; null is none. */
export interface TimeoutOptions {
  /** One attempt, from its start. Default 10m. */
  readonly startToClose?: Duration | null;
  /** One attempt, waiting for a free worker. Default none. */
  readonly scheduleToStart?: Duration | null;
  /** The task with all its attempts. Default none. */
  readonly scheduleToClose?: Duration | null;
  /** The longest silence of a running attempt. Default none. */
  readonly heartbeat?: Duration | null;
}

/** How a task is run; the same words for a task type and for a step. */
export interface RunOptions {
  readonly retry?: RetryOptions;
  /** One attempt: short for `timeouts.startToClose`. Default 10m. */
  readonly timeout?: Duration | null;
  readonly timeouts?: TimeoutOptions;
  /** 1 (first) to 5 (last). Default 3. */
  readonly priority?: number;
  /** The handler keeps its thread busy: one per thread, and the thread is terminated when it will not stop. */
  readonly isolate?: boolean;
}

export type ErrorClass = abstract new (...args: never[]) => Error;

const defaultRetry: RetryPolicy = {
  maxAttempts: 3,
  initialIntervalMs: 1000,
  backoffCoefficient: 2,
  maxIntervalMs: 60_000,
  jitter: 0.5,
  maxElapsedMs: null,
  nonRetryable: [],
};

const defaultTimeouts: Timeouts = {
  startToCloseMs: 600_000,
  scheduleToStartMs: null,
  scheduleToCloseMs: null,
  heartbeatMs: null,
};

export const defaultPriority = 3;

/** Who is being defined, for messages. */
export interface Place {
  readonly where: string;
  readonly step?: string;
}

/** What the author said, as data: parts that were left out stay out. */
export function taskOptionsOf(options: RunOptions, place: Place): TaskOptions {
  const retry = retryOf(options.retry, place);
  const timeouts = timeoutsOf(options, place);
  if (options.priority !== undefined) checkPriority(options.priority, place);
  return {
    ...(retry === null ? {} : { retry }),
    ...(timeouts === null ? {} : { timeouts }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.isolate === undefined ? {} : { isolate: options.isolate }),
  };
}

/** Lays policies over each other, the most particular last. */
export function wholeRetry(
  parts: readonly (Partial<RetryPolicy> | undefined)[],
  place: Place,
): RetryPolicy {
  let whole = defaultRetry;
  for (const part of parts) whole = { ...whole, ...part };
  if (whole.maxIntervalMs >= whole.initialIntervalMs) return whole;
  if (parts.every((part) => part?.maxIntervalMs === undefined)) {
    return { ...whole, maxIntervalMs: whole.initialIntervalMs };
  }
  throw problem('BAD_RETRY', place, {
    message: `retry.initialInterval (${whole.initialIntervalMs} ms) is longer than retry.maxInterval (${whole.maxIntervalMs} ms), so it could never be waited for. Make maxInterval at least as long.`,
  });
}

/** The same for timeouts. */
export function wholeTimeouts(parts: readonly (Partial<Timeouts> | undefined)[]): Timeouts {
  let whole = defaultTimeouts;
  for (const part of parts) whole = { ...whole, ...part };
  return whole;
}

/** Which limits nobody has set, so that a cluster may. */
export function leftOpen(
  retry: readonly (Partial<RetryPolicy> | undefined)[],
  timeouts: readonly (Partial<Timeouts> | undefined)[],
): readonly OpenLimit[] {
  const open: OpenLimit[] = [];
  for (const key of ['initialIntervalMs', 'maxIntervalMs'] as const) {
    if (retry.every((part) => part?.[key] === undefined)) open.push(key);
  }
  if (timeouts.every((part) => part?.startToCloseMs === undefined)) open.push('startToCloseMs');
  return open;
}

/** What the author said of retries, as data, or null when nothing. */
export function retryOf(
  options: RetryOptions | undefined,
  place: Place,
): Partial<RetryPolicy> | null {
  if (options === undefined) return null;
  const maxAttempts = attemptsOf(options, place);
  const { backoffCoefficient, jitter, nonRetryable } = options;
  checkRange('retry.backoffCoefficient', backoffCoefficient, 1, 100, place);
  checkRange('retry.jitter', jitter, 0, 1, place);
  const policy = {
    maxAttempts,
    initialIntervalMs: duration('retry.initialInterval', options.initialInterval, place),
    backoffCoefficient,
    maxIntervalMs: duration('retry.maxInterval', options.maxInterval, place),
    jitter,
    maxElapsedMs: limit('retry.maxElapsed', options.maxElapsed, place),
    nonRetryable: nonRetryable?.map((error) => (typeof error === 'string' ? error : error.name)),
  };
  return given(policy);
}

/** A duration that may be left out; an unreadable one is the author's mistake. */
function duration(option: string, value: Duration | undefined, place: Place): number | undefined {
  if (value === undefined) return undefined;
  try {
    return parseDuration(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw problem(
      option.startsWith('retry.') ? 'BAD_RETRY' : 'BAD_TIMEOUT',
      place,
      { message: `${option}: ${reason}` },
      { cause: error },
    );
  }
}

/** A limit: a duration above zero, or null for none. */
export function limit(
  option: string,
  value: Duration | null | undefined,
  place: Place,
): number | null | undefined {
  if (value === null) return null;
  const ms = duration(option, value, place);
  if (ms !== 0) return ms;
  throw problem(option.startsWith('retry.') ? 'BAD_RETRY' : 'BAD_TIMEOUT', place, {
    message: `${option} is 0, which would end everything at once. Write null for no limit.`,
  });
}

function timeoutsOf(options: RunOptions, place: Place): Partial<Timeouts> | null {
  const { timeout, timeouts } = options;
  if (timeout !== undefined && timeouts?.startToClose !== undefined) {
    throw problem('BAD_TIMEOUT', place, {
      message:
        'timeout and timeouts.startToClose are two words for one limit, so one of them would be ignored. Keep one.',
    });
  }
  if (timeout === undefined && timeouts === undefined) return null;
  return given({
    startToCloseMs:
      timeout === undefined
        ? limit('timeouts.startToClose', timeouts?.startToClose, place)
        : limit('timeout', timeout, place),
    scheduleToStartMs: limit('timeouts.scheduleToStart', timeouts?.scheduleToStart, place),
    scheduleToCloseMs: limit('timeouts.scheduleToClose', timeouts?.scheduleToClose, place),
    heartbeatMs: limit('timeouts.heartbeat', timeouts?.heartbeat, place),
  });
}

function attemptsOf(options: RetryOptions, place: Place): number | undefined {
  const { maxAttempts, maxRetries } = options;
  if (maxAttempts !== undefined && maxRetries !== undefined) {
    throw problem('BAD_RETRY', place, {
      message:
        'retry.maxAttempts and retry.maxRetries say the same thing in two ways (n retries are n + 1 attempts). Keep one.',
    });
  }
  checkCount('retry.maxAttempts', maxAttempts, 1, place);
  checkCount('retry.maxRetries', maxRetries, 0, place);
  return maxRetries === undefined ? maxAttempts : maxRetries + 1;
}

function checkCount(option: string, value: number | undefined, least: number, place: Place): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw problem('BAD_RETRY', place, {
    message: `${option} is ${value}; it must be a whole number, ${least} or more.`,
  });
}

function checkRange(
  option: string,
  value: number | undefined,
  least: number,
  most: number,
  place: Place,
): void {
  if (value === undefined || (value >= least && value <= most)) return;
  throw problem('BAD_RETRY', place, {
    message: `${option} is ${value}; it must be from ${least} to ${most}.`,
  });
}

function checkPriority(priority: number, place: Place): void {
  if (Number.isInteger(priority) && priority >= 1 && priority <= 5) return;
  throw problem('BAD_PRIORITY', place, {
    message: `priority is ${priority}; it must be a whole number from 1 (first) to 5 (last).`,
  });
}

function problem(
  code: DefinitionErrorCode,
  place: Place,
  { message }: { message: string },
  options?: ErrorOptions,
): DefinitionError {
  return new DefinitionError({ code, ...place, message }, options);
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the keys that hold undefined, so that laying options over each other cannot erase one. */
function given<T extends object>(options: T): Given<T> {
  const kept: Given<T> = { ...options };
  for (const key in options) if (options[key] === undefined) delete kept[key];
  return kept;
}
