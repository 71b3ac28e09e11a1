import { expect } from 'chai';

import { decideOwnership, type OwnershipView } from '#cluster/members/ownership-decision.ts';
import type { ShardRow } from '#cluster/mysql/claims.ts';

const self = 'a~1';

describe('which shards a node claims, hands over and gives up', () => {
  it('gives up what MySQL has given to others since, though nothing told it so', () => {
    const view = alone({ rows: [row({ shard: 1, epoch: 3, owner: 'b~1' })], held: [[1, 2]] });
    expect(decideOwnership(view)).to.deep.include({ lost: [1], claim: [] });
  });

  it('claims again what it had, what another has taken, and what that one has let go of', () => {
    const free = row({ shard: 1, epoch: 4, owner: null });
    const decision = decideOwnership(alone({ rows: [free], held: [[1, 2]] }));
    expect(decision).to.deep.include({ lost: [1], claim: [free] });
  });

  it('keeps what it holds at the epoch of its claim', () => {
    const view = alone({ rows: [row({ shard: 1, epoch: 2, owner: self })], held: [[1, 2]] });
    expect(decideOwnership(view)).to.deep.equal({ lost: [], claim: [], handOver: new Map() });
  });

  it('hands over what another should have', () => {
    const view = { ...alone({ rows: [row({ shard: 1, epoch: 2, owner: self })], held: [[1, 2]] }) };
    const decision = decideOwnership({ ...view, candidates: ['b~1'] });
    expect(decision.handOver).to.deep.equal(new Map([['b~1', [1]]]));
  });
});

function alone(of: {
  rows: readonly ShardRow[];
  held: readonly (readonly [number, number])[];
}): OwnershipView {
  return { self, candidates: [self], rows: of.rows, held: new Map(of.held), isGone: () => false };
}

function row(of: { shard: number; epoch: number; owner: string | null }): ShardRow {
  const [owner = null, incarnation = null] = of.owner?.split('~') ?? [];
  return { shard: of.shard, epoch: of.epoch, owner, incarnation, checkpointLsn: 0 };
}
