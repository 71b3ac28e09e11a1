import type { WorkflowRow } from '#http/live-protocol.ts';

/*
 * How long a cluster takes to go on after a node was killed: until every workflow that was running when it was gone has moved
 * on. Which of them the node had anything to do with need not be known: all have to.
 */
export interface Recovery {
  readonly node: string;
  /** From here the time is counted. */
  readonly killedAtMs: number;
  /** Those that ran, and have not moved yet, with the number of their newest event; null while the node is still dying. */
  readonly waiting: ReadonlyMap<string, number> | null;
  readonly running: number;
  /** How long it took; null while one waits. */
  readonly tookMs: number | null;
}

/** A workflow that does one long thing says nothing for long, whether it has moved or not. */
const quietNames: ReadonlySet<string> = new Set(['long_report']);

export function beginRecovery(node: string, killedAtMs: number): Recovery {
  return { node, killedAtMs, waiting: null, running: 0, tookMs: null };
}

/** The node is gone, and all that it said has come: from now on whatever moves is moved by others. */
export function countFrom(recovery: Recovery, rows: readonly WorkflowRow[]): Recovery {
  const waiting = new Map(
    rows
      .filter((row) => row.ended_at === undefined && !quietNames.has(row.name))
      .map((row) => [row.id, row.seq]),
  );
  return { ...recovery, waiting, running: waiting.size };
}

/** The recovery after these rows were told. */
export function advanceRecovery(
  recovery: Recovery,
  rows: readonly WorkflowRow[],
  nowMs: number,
): Recovery {
  const { waiting: before, killedAtMs, tookMs } = recovery;
  if (before === null || before.size === 0 || tookMs !== null) return recovery;
  const waiting = new Map(before);
  for (const row of rows) {
    const seq = waiting.get(row.id);
    if (seq !== undefined && (row.seq > seq || row.ended_at !== undefined)) waiting.delete(row.id);
  }
  if (waiting.size === before.size) return recovery;
  return { ...recovery, waiting, tookMs: waiting.size === 0 ? nowMs - killedAtMs : null };
}
