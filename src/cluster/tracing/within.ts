import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { spanContextOf } from './traceparent.ts';

/** Runs something at a place in a trace: spans that it begins, or that what it calls begins, are children of that place. */
export function withinTrace<Result>(traceparent: string, run: () => Result): Result {
  const place = spanContextOf(traceparent);
  return place === null
    ? run()
    : context.with(trace.setSpanContext(ROOT_CONTEXT, place), () => run());
}

/** Runs what answers a request at the place in a trace that its headers tell (W3C `traceparent`, or whatever the SDK reads). */
export function withinCallersTrace(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  run: () => void,
): void {
  const here = context.active();
  // Whoever instruments HTTP has looked already, and has a span of its own between.
  if (trace.getSpan(here) !== undefined) run();
  else context.with(propagation.extract(here, headers), run);
}
