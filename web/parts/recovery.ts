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

/** It waits for a person, whoever owns it. */
function isStill({
  task_states: { waiting = 0, running = 0, retrying = 0 },
}: WorkflowRow): boolean {
  return waiting > 0 && running + retrying === 0;
}

/** The node is gone, and all that it said has come: from now on whatever moves is moved by others. */
export function countFrom(recovery: Recovery, rows: readonly WorkflowRow[]): Recovery {
  const waiting = new Map(
    rows
      .filter((row) => row.ended_at === undefined && !quietNames.has(row.name) && !isStill(row))
      .map((row) => [row.id, row.seq]),
  );
  return { ...recovery, waiting, running: waiting.size };
}

/**
 * The recovery now that the list has these rows. Newer workflows push older ones out of it: whether those have moved is no
 * longer told for sure, so they no longer count.
 */
export function advanceRecovery(
  recovery: Recovery,
  rows: readonly WorkflowRow[],
  nowMs: number,
): Recovery {
  const { waiting: before, killedAtMs, tookMs } = recovery;
  if (before === null || before.size === 0 || tookMs !== null) return recovery;
  const listed = new Map(rows.map((row) => [row.id, row]));
  const waiting = new Map<string, number>();
  let { running } = recovery;
  for (const [id, seq] of before) {
    const row = listed.get(id);
    if (row === undefined) running -= 1;
    else if (row.seq <= seq && row.ended_at === undefined) waiting.set(id, seq);
  }
  if (waiting.size === before.size) return recovery;
  const isOver = waiting.size === 0 && running > 0;
  return { ...recovery, waiting, running, tookMs: isOver ? nowMs - killedAtMs : null };
}
