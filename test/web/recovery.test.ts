import { expect } from 'chai';

import type { WorkflowRow } from '#http/live-protocol.ts';

import { advanceRecovery, beginRecovery, countFrom } from '../../web/parts/recovery.ts';

describe('the measure of a recovery', () => {
  const dying = beginRecovery('b', 1_000);
  const rows = [row('x', 3), row('y', 5), row('done', 9, '2026-03-05T12:00:00Z')];
  const counted = countFrom(dying, rows);

  it('counts those that ran when the node was gone, and nothing before', () => {
    expect(advanceRecovery(dying, [row('x', 4)], 1_200)).to.equal(dying);
    expect(counted.running).to.equal(2);
    expect([...(counted.waiting ?? [])]).to.deep.equal([
      ['x', 3],
      ['y', 5],
    ]);
  });

  it('ends when the last of them has moved, from the moment of the kill', () => {
    const one = advanceRecovery(counted, [row('x', 4), row('y', 5)], 3_000);
    expect(one.tookMs).to.equal(null);
    const all = advanceRecovery(one, [row('x', 4), row('y', 6)], 5_500);
    expect(all.tookMs).to.equal(4_500);
    expect(advanceRecovery(all, [row('x', 5), row('y', 7)], 9_000)).to.equal(all);
  });

  it('takes an end for a move', () => {
    const ended = [row('x', 3, '2026-03-05T12:00:01Z'), row('y', 6)];
    expect(advanceRecovery(counted, ended, 2_000).tookMs).to.equal(1_000);
  });

  it('no longer waits for one that newer ones have pushed out of the list', () => {
    const left = advanceRecovery(counted, [row('x', 3)], 2_000);
    expect(left.running).to.equal(1);
    expect(left.tookMs).to.equal(null);
    expect(advanceRecovery(left, [row('x', 4)], 2_500).tookMs).to.equal(1_500);
    const none = advanceRecovery(left, [], 2_500);
    expect(none.running).to.equal(0);
    expect(none.tookMs).to.equal(null);
  });

  it('does not wait for one that waits for a person', () => {
    const still = { ...row('still', 4), task_states: { completed: 1, waiting: 1, pending: 2 } };
    const both = { ...row('both', 4), task_states: { running: 1, waiting: 1 } };
    expect([...(countFrom(dying, [still, both]).waiting ?? []).keys()]).to.deep.equal(['both']);
  });

  it('says nothing where nothing ran', () => {
    const idle = countFrom(dying, []);
    expect(advanceRecovery(idle, rows, 2_000).tookMs).to.equal(null);
  });
});

function row(id: string, seq: number, ended_at?: string): WorkflowRow {
  return {
    id,
    name: 'order_processing',
    version: 'v',
    state: ended_at === undefined ? 'running' : 'completed',
    seq,
    created_at: '2026-03-05T12:00:00Z',
    ...(ended_at === undefined ? {} : { ended_at }),
    task_states: {},
    tags: {},
  };
}
