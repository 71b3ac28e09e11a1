import type { ShardRow } from '../mysql/claims.ts';
import { memberId } from './member.ts';
import { ownerOf } from './placement.ts';

/** What a node knows when it decides what to own. */
export interface OwnershipView {
  readonly self: string;
  /** Living nodes that take shards, this one included unless it drains. */
  readonly candidates: readonly string[];
  readonly rows: readonly ShardRow[];
  /** Shards that this node has in its memory, with the epochs of its claims. */
  readonly held: ReadonlyMap<number, number>;
  /** Whether nothing more is to be expected of a node. */
  readonly isGone: (id: string) => boolean;
}

export interface OwnershipDecision {
  /** Held no more, for MySQL has given out a later epoch: a commit would tell, but where nothing happens none comes. */
  readonly lost: readonly number[];
  readonly claim: readonly ShardRow[];
  /** To let go, by the node that should have them. */
  readonly handOver: ReadonlyMap<string, readonly number[]>;
}

/** Which shards to claim and which to hand over: every node decides for itself, from the same rendezvous hashing. */
export function decideOwnership(view: OwnershipView): OwnershipDecision {
  const { self, candidates, rows, held, isGone } = view;
  const lost: number[] = [];
  const claim: ShardRow[] = [];
  const handOver = new Map<string, number[]>();
  for (const row of rows) {
    const wanted = ownerOf(row.shard, candidates);
    const epoch = held.get(row.shard);
    const isLost = epoch !== undefined && epoch < row.epoch;
    if (isLost) lost.push(row.shard);
    if (epoch !== undefined && !isLost) {
      if (wanted === null || wanted === self) continue;
      handOver.set(wanted, [...(handOver.get(wanted) ?? []), row.shard]);
    } else if (wanted === self) {
      const owner = ownerIdOf(row);
      // A shard that MySQL says is ours and that we do not hold was lost in between: claimed anew, at a new epoch.
      if (owner === null || owner === self || isGone(owner)) claim.push(row);
    }
  }
  return { lost, claim, handOver };
}

export function ownerIdOf({
  owner,
  incarnation,
}: Pick<ShardRow, 'owner' | 'incarnation'>): string | null {
  return owner === null || incarnation === null ? null : memberId({ name: owner, incarnation });
}
