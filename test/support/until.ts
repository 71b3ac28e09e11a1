import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again until it is so; for what no notice tells. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}
