import type { WorkRef } from '#actors/work.ts';
import { workKey } from '#actors/work.ts';

let last: WorkRef | null = null;
let lastKey = '';

/**
 * One delivery of one attempt, as a key of maps. The newest is kept, because the end of a work is looked up four times in a
 * row, and a new text has to be hashed again each time.
 */
export function deliveryKey(ref: WorkRef): string {
  if (ref !== last) {
    last = ref;
    lastKey = `${workKey(ref)}.${ref.delivery}`;
  }
  return lastKey;
}
