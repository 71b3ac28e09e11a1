import { Duty } from './duty.ts';
import type { Store } from './mysql/store.ts';
import type { Notices } from './notices.ts';
import type { Engine } from './shards/engine.ts';
import { wakeWindowMs } from './shards/takeover.ts';

const everyMs = 60_000;
const workflowsPerChunk = 500;
const chunksPerRound = 20;
const remindersPerRound = 100_000;

/** What nobody waits for: timers that come near, old journal rows, workflows that ended long ago. */
export function housekeeping(
  engine: Engine,
  store: Store,
  retentionMs: number,
  notices: Notices,
): Duty {
  return new Duty('housekeeping', everyMs, notices, async () => {
    const owned = [...engine.shards.keys()];
    const until = Date.now() + wakeWindowMs;
    for (const { id, dueAt } of await store.snapshots.due(owned, until, remindersPerRound)) {
      engine.timers.arm(id, dueAt);
    }
    await store.journal.trim(owned);
    for (let chunk = 0; chunk < chunksPerRound; chunk += 1) {
      const ended = await store.retention.ended(owned, retentionMs, workflowsPerChunk);
      await engine.withhold(ended, async (actors) => await store.retention.remove(actors));
      if (ended.length < workflowsPerChunk) return;
    }
  });
}
