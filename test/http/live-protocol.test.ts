import { expect } from 'chai';

import { apply, judge, merge } from '#http/live-picture.ts';
import {
  type ListData,
  logLimit,
  type Operation,
  rowLimit,
  type TaskCard,
  type WorkflowData,
  type WorkflowRow,
} from '#http/live-protocol.ts';
import { TopicState } from '#http/live-topic.ts';

import { collectGarbage } from '../support/garbage.ts';
import { row, time } from '../support/rows.ts';

describe('the live protocol', () => {
  describe('a watcher at version 5', () => {
    const place = { epoch: 'e', ver: 5 };
    for (const [delta, verdict] of [
      [{ e: 'e', f: 5, v: 6 }, 'apply'],
      [{ e: 'e', f: 3, v: 7 }, 'apply'],
      [{ e: 'e', f: 3, v: 5 }, 'ignore'],
      [{ e: 'e', f: 4, v: 4 }, 'ignore'],
      [{ e: 'e', f: 6, v: 7 }, 'gap'],
      [{ e: 'other', f: 5, v: 6 }, 'gap'],
      // A log line between two events.
      [{ e: 'e', f: 5, v: 5.000001 }, 'apply'],
    ] as const) {
      it(`takes ${delta.f} to ${delta.v} of epoch ${delta.e} for: ${verdict}`, () => {
        expect(judge(place, delta)).to.equal(verdict);
      });
    }
  });

  it('keeps the rows of a list newest first, bounded, and the newer of two states of a row', () => {
    let data = apply(emptyList, [row(1, { seq: 3 }), row(3), row(2)].map(rowOp));
    data = apply(data, [rowOp(row(1, { seq: 2, state: 'pending' }))]);
    expect(rowsOf(data)).to.deep.equal(['w3', 'w2', 'w1']);
    expect(data.kind === 'list' && data.rows[2]?.state).to.equal('running');
    const many = Array.from({ length: 2 * rowLimit }, (_, n) => rowOp(row(n + 10)));
    expect(rowsOf(apply(data, many)))
      .to.have.length(rowLimit)
      .and.not.include('w1');
  });

  it('changes the tasks that an operation names, and keeps the other objects', () => {
    const data = apply(workflow, [{ op: 'task', task: task('b', 'completed') }]);
    if (data.kind !== 'workflow') throw new Error('it has become a list');
    expect(data.tasks.map(({ state }) => state)).to.deep.equal(['pending', 'completed']);
    expect(data.tasks[0]).to.equal(workflow.tasks[0]);
    expect(data.workflow).to.equal(workflow.workflow);
  });

  it('adds log lines once, and keeps the newest', () => {
    const lines = Array.from({ length: 10 }, (_, n) => line(n));
    let data = apply(workflow, [{ op: 'logs', lines }]);
    data = apply(data, [{ op: 'logs', lines: [line(9), line(10)] }]);
    expect(data.kind === 'workflow' && data.logs.map((one) => one.at)).to.deep.equal([
      ...Array.from({ length: 11 }).keys(),
    ]);
    const flood = Array.from({ length: 2 * logLimit }, (_, n) => line(100 + n));
    data = apply(data, [{ op: 'logs', lines: flood }]);
    expect(data.kind === 'workflow' && data.logs.at(-1)?.at).to.equal(99 + 2 * logLimit);
    expect(data.kind === 'workflow' && data.logs).to.have.length(logLimit);
  });

  it('has the same outcome merged, applied twice, and one by one (L4)', () => {
    const ops: readonly Operation[] = [
      { op: 'task', task: task('a', 'running') },
      { op: 'logs', lines: [line(1)] },
      { op: 'workflow', workflow: { ...workflow.workflow, state: 'running' } },
      { op: 'task', task: task('a', 'completed') },
      { op: 'task', task: task('b', 'running') },
      { op: 'logs', lines: [line(2)] },
      { op: 'workflow', workflow: { ...workflow.workflow, state: 'completed' } },
    ];
    const oneByOne = ops.reduce((data, op) => apply(data, [op]), apply(workflow, []));
    expect(apply(workflow, ops)).to.deep.equal(oneByOne);
    expect(apply(workflow, merge(ops))).to.deep.equal(oneByOne);
    expect(apply(apply(workflow, ops), ops)).to.deep.equal(oneByOne);
    expect(merge(ops)).to.have.length(4);
  });
});

describe('the state of a topic', () => {
  it('tells a watcher what is new since its version, merged', () => {
    const state = new TopicState('e', 0, emptyList);
    for (let n = 1; n <= 20; n += 1) state.advance(n, [rowOp(row(1, { seq: n }))]);
    const update = state.since({ epoch: 'e', ver: 5 });
    expect(update).to.deep.equal({
      type: 'delta',
      from: 5,
      to: 20,
      ops: [rowOp(row(1, { seq: 20 }))],
    });
    expect(state.since({ epoch: 'e', ver: 20 })).to.deep.equal({ type: 'none' });
  });

  it('gives the whole to a watcher of another epoch, of the future, or from too long ago', () => {
    const state = new TopicState('e', 0, emptyList);
    for (let n = 1; n <= 1_000; n += 1) state.advance(n, [rowOp(row(n))]);
    expect(state.since({ epoch: 'f', ver: 1_000 })).to.include({ type: 'snapshot' });
    expect(state.since({ epoch: 'e', ver: 2_000 })).to.include({ type: 'snapshot', reason: 'gap' });
    expect(state.since({ epoch: 'e', ver: 1 })).to.include({
      type: 'snapshot',
      reason: 'overflow',
    });
  });

  it('does not grow with the number of changes that nobody takes', () => {
    const state = new TopicState('e', 0, emptyList);
    const change = (n: number): void => {
      state.advance(n, [rowOp(row(n % 500, { seq: n, error: `${n}`.padEnd(1_000) }))]);
    };
    for (let n = 1; n <= 2_000; n += 1) change(n);
    const before = heapAfterGc();
    for (let n = 2_001; n <= 20_000; n += 1) change(n);
    expect(heapAfterGc() - before).to.be.below(2 * 1024 * 1024);
  });
});

const emptyList: ListData = {
  kind: 'list',
  rows: [],
  missed: 0,
  counts: { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 },
};

const none = { text: '{}', length: 2, whole: true };

const workflow: WorkflowData = {
  kind: 'workflow',
  workflow: { id: 'w', name: 'n', version: 'v', tags: {}, state: 'pending', created_at: time(0) },
  input: none,
  steps: ['a', 'b'].map((name) => ({
    name,
    task: name,
    needs: [],
    onError: null,
    conditional: false,
    mapped: false,
  })),
  tasks: [task('a', 'pending'), task('b', 'pending')],
  logs: [],
};

function task(step: string, state: TaskCard['state']): TaskCard {
  return {
    id: `w.${step}`,
    step,
    type: step,
    state,
    attempt: 1,
    retry_count: 0,
    max_retries: 2,
    created_at: time(0),
    input: none,
  };
}

function rowOp(one: WorkflowRow): Operation {
  return { op: 'row', row: one };
}

function rowsOf(data: ReturnType<typeof apply>): readonly string[] {
  return data.kind === 'list' ? data.rows.map(({ id }) => id) : [];
}

function line(n: number) {
  return { at: n, level: 'info' as const, message: `line ${n}`, step: 0, attempt: 1 };
}

function heapAfterGc(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
