import { workflow } from '#sdk/index.ts';

/** Says how far it came and fails; the next attempt tells what it was given of that. */
export const resumes = workflow('resumes_in_thread')
  .task('rows', {
    retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 },
    run: (_input, { attempt, heartbeat, heartbeatDetails }) => {
      if (attempt > 1) return { from: heartbeatDetails };
      heartbeat({ row: 7 });
      throw new Error('at row 7');
    },
  })
  .build();
