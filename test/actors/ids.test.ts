import { expect } from 'chai';
import * as fc from 'fast-check';

import {
  actorId,
  isActorKey,
  isWorkflowId,
  parseActorId,
  parseTaskId,
  shardOf,
  taskId,
} from '#actors/ids.ts';

const workflowIds = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/);

describe('an id', () => {
  it('of a task names its workflow and step, whatever the workflow is called', () => {
    fc.assert(
      fc.property(workflowIds, fc.integer({ min: 0, max: 999_999 }), (workflowId, step) => {
        expect(isWorkflowId(workflowId)).to.equal(true);
        expect(parseTaskId(taskId(workflowId, step))).to.deep.equal({ workflowId, step });
      }),
    );
  });

  it('of an actor names its type and key, and is never that of a workflow', () => {
    const id = actorId('cart', 'user:7');

    expect(parseActorId(id)).to.deep.equal({ name: 'cart', key: 'user:7' });
    expect(isWorkflowId(id)).to.equal(false);
    expect(parseActorId('a-workflow')).to.equal(null);
  });

  for (const id of ['', '.hidden', 'a/b', 'ä', 'a b', 'x'.repeat(129), '<script>', "a'b"]) {
    it(`cannot be ${JSON.stringify(id.slice(0, 20))} for a workflow`, () => {
      expect(isWorkflowId(id)).to.equal(false);
    });
  }

  for (const key of ['', 'a/b', 'x'.repeat(101)]) {
    it(`cannot have ${JSON.stringify(key.slice(0, 20))} for the key of an actor`, () => {
      expect(isActorKey(key)).to.equal(false);
    });
  }

  for (const id of ['', 'wf', 'wf.', 'wf.x', '.1', 'wf.1234567']) {
    it(`of a task is not ${JSON.stringify(id)}`, () => {
      expect(parseTaskId(id)).to.equal(null);
    });
  }

  it('belongs to one of the shards, always the same', () => {
    fc.assert(
      fc.property(workflowIds, fc.integer({ min: 1, max: 4096 }), (id, shards) => {
        const shard = shardOf(id, shards);

        expect(shard).to.be.within(0, shards - 1);
        expect(shardOf(id, shards)).to.equal(shard);
      }),
    );
  });

  it('spreads numbered names over the shards within a third of even', () => {
    const counts = new Map<number, number>();

    for (let index = 0; index < 256 * 400; index += 1) {
      const shard = shardOf(`order-${index}`, 256);
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }

    expect(counts.size).to.equal(256);
    expect(Math.min(...counts.values())).to.be.above(400 * 0.66);
    expect(Math.max(...counts.values())).to.be.below(400 * 1.34);
  });
});
