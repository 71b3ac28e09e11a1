import { context, trace } from '@opentelemetry/api';

import { task, workflow } from '#sdk/index.ts';

/** Says where a handler in a thread is in a trace, as it is told, and as the SDK of the thread sees it, if there is one. */
export const traced = task('traced', {
  run: (_input: object, { traceparent }) => ({
    traceparent: traceparent ?? null,
    active: trace.getSpanContext(context.active())?.spanId ?? null,
  }),
});

export const tracedWorkflow = workflow('traced').task('only', { uses: traced }).build();
