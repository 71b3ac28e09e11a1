/** What a signal is sent with, and how: a payload that may be `{}` may be left out. */
export type SignalArgs<Payload, Options extends object> =
  Record<string, never> extends Payload
    ? [payload?: Payload, options?: Options]
    : [payload: Payload, options?: Options];

/** The names of the signals that a workflow waits for. */
export type SignalNames<Signals> = keyof Signals & string;

/** None. Unlike `unknown` it is a kind of any signals, so that a definition without signals is a `WorkflowDefinition`. */
export type NoSignals = { readonly [Name in never]: unknown };
