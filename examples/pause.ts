import { setTimeout as sleep } from 'node:timers/promises';

/** Work that takes a while, in the samples: `ms` milliseconds, or less when the task is canceled. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}
