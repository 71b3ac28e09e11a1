/** A place where handlers of a test wait until the test lets them go. */
export interface Gate {
  /** Give this to a handler. */
  readonly pass: () => Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { pass: async () => await promise, open: () => resolve(undefined) };
}
