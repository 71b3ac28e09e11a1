import type { TaskContext } from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';

/** A handler that only wants its input. */
export function simpleTaskHandler<Output, Input = JsonObject>(
  run: (input: Input) => Output | Promise<Output>,
): (input: Input) => Output | Promise<Output> {
  return (input) => run(input);
}

/**
 * A handler that only wants its input, and whose attempt ends on cancel and on timeout even though it does not look at the
 * signal. What it had begun goes on to its end unseen, so use it for functions that do no harm then.
 */
export function asyncTaskHandler<Output, Input = JsonObject>(
  run: (input: Input) => Output | Promise<Output>,
): (input: Input, context: TaskContext) => Promise<Output> {
  return async (input, { signal }) => {
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([run(input), aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
}
