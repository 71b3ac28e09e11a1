import { randomFillSync } from 'node:crypto';

const pool = Buffer.allocUnsafeSlow(8 * 1024);
let used = pool.length;

/**
 * Random bytes as `crypto.randomBytes` makes them, to be read at once: they are drawn for hundreds of ids together, because
 * asking the system for each one was 3 to 6 % of a busy node's processor time.
 */
export function randomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}
