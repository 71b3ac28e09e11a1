import { expect } from 'chai';
import * as fc from 'fast-check';

import { planOf } from '#actors/plan.ts';
import type { WorkflowEvent } from '#actors/workflow-events.ts';
import type { WorkflowState } from '#actors/workflow-state.ts';
import { evolveWorkflow } from '#actors/workflow-state.ts';

import { DrivenWorkflow, failureLike } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

const plan = planOf(graph({ a: [], b: ['a'] }));

const accepted: WorkflowEvent = {
  type: 'workflow.accepted',
  at: 1,
  name: 'test',
  version: '1',
  input: {},
  timeoutAt: null,
  by: 'start',
};

function folded(...events: readonly WorkflowEvent[]): WorkflowState | null {
  return events.reduce<WorkflowState | null>(
    (state, event) => evolveWorkflow(state, event, plan, 'wf-1'),
    null,
  );
}

const step = 0;
const attempt = 1;
const scheduled: WorkflowEvent = {
  type: 'task.scheduled',
  at: 2,
  step,
  attempt,
  delivery: 1,
  where: 'here',
};
const ends: readonly WorkflowEvent[] = [
  { type: 'task.completed', at: 3, step, attempt, startedAt: 2, node: 'here', output: {} },
  { type: 'task.skipped', at: 3, step, reason: 'no' },
  { type: 'task.canceled', at: 3, step, reason: 'no' },
  {
    type: 'task.failed',
    at: 3,
    step,
    attempt,
    startedAt: 2,
    node: 'here',
    failure: failureLike(),
    retryAt: null,
  },
];
const anyTaskEvent: readonly WorkflowEvent[] = [
  scheduled,
  { type: 'task.started', at: 3, step, attempt, node: 'here' },
  { type: 'task.waiting', at: 3, step, attempt },
  { type: 'task.signaled', at: 3, step, payload: {}, by: 'm' },
  { type: 'task.progressed', at: 3, step, attempt, fraction: 0.5 },
  ...ends,
];
const cancelOfB: WorkflowEvent = { type: 'task.canceled', at: 4, step: 1, reason: 'no' };
const failing: WorkflowEvent = { type: 'workflow.failed', at: 5, failure: failureLike() };
const closings: readonly WorkflowEvent[] = [
  { type: 'workflow.completed', at: 5 },
  failing,
  { type: 'workflow.canceled', at: 5, reason: 'no' },
];

const retried: WorkflowEvent = {
  type: 'workflow.retried',
  at: 6,
  steps: [0, 1],
  timeoutAt: null,
  by: 'retry',
};

describe('the states of a workflow and its tasks', () => {
  it('are pending, running and completed on the good path, with the times of each change', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));
    workflow.now = 1000;
    workflow.start();
    const seen = [workflow.status('a')];
    workflow.now = 2000;

    workflow.begin('a');
    seen.push(workflow.status('a'));
    workflow.now = 3000;
    workflow.complete('a');
    seen.push(workflow.status('a'));

    expect(seen).to.deep.equal(['pending', 'running', 'completed']);
    expect(workflow.task('a')).to.include({ startedAt: 2000, endedAt: 3000, node: 'here' });
    expect(workflow.state).to.include({ createdAt: 1000, startedAt: 1000, endedAt: 3000 });
    expect(workflow.journal.map((event) => event.type)).to.deep.equal([
      'workflow.accepted',
      'task.scheduled',
      'task.started',
      'task.completed',
      'workflow.completed',
    ]);
  });

  it('show a failed attempt as retrying, and its error no longer once the task has completed', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));

    workflow.fail('a');
    const between = workflow.status('a');
    workflow.pass(1000);
    workflow.complete('a');

    expect(between).to.equal('retrying');
    expect(workflow.status('a')).to.equal('completed');
    expect(workflow.task('a').failure).to.equal(null);
  });

  it('keep the failure of the step, with its name, as that of the workflow', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));

    workflow.fail('a', { name: 'CardDeclined', message: 'no money' });

    expect(workflow.state.status).to.equal('failed');
    expect(workflow.state.failure).to.include({
      step: 'a',
      name: 'CardDeclined',
      message: 'no money',
    });
  });

  for (const end of ends) {
    it(`let nothing happen to a task after ${end.type} (W1)`, () => {
      for (const event of anyTaskEvent) {
        const state = folded(accepted, scheduled, end);

        expect(() => evolveWorkflow(state, event, plan, 'wf-1'), event.type).to.throw('W1');
      }
    });
  }

  for (const closing of closings) {
    it(`let nothing happen to a workflow after ${closing.type} (W1)`, () => {
      for (const event of [...anyTaskEvent, ...closings]) {
        const state = folded(accepted, { ...cancelOfB, step: 0 }, cancelOfB, closing);

        expect(() => evolveWorkflow(state, event, plan, 'wf-1'), event.type).to.throw('W1');
      }
    });

    it(`do not let ${closing.type} happen before all tasks have ended (W5)`, () => {
      const state = folded(accepted, cancelOfB);

      expect(() => evolveWorkflow(state, closing, plan, 'wf-1')).to.throw('W5');
    });
  }

  it('are left by workflow.retried alone, and only by that of a failed workflow (W1)', () => {
    for (const closing of closings) {
      const state = folded(accepted, { ...cancelOfB, step: 0 }, cancelOfB, closing);
      const open = (): unknown => evolveWorkflow(state, retried, plan, 'wf-1');

      if (closing.type === 'workflow.failed') expect(open()).to.include({ status: 'pending' });
      else expect(open, closing.type).to.throw('W1');
    }
    expect(() => folded(accepted, retried)).to.throw('W1');
  });

  it('begin with acceptance, once (W3)', () => {
    expect(() => folded(scheduled)).to.throw('W3');
    expect(() => folded(accepted, accepted)).to.throw('W3');
  });

  it('are those of the steps of the graph alone (W4)', () => {
    const state = folded(accepted);

    expect(() => evolveWorkflow(state, { ...scheduled, step: 2 }, plan, 'wf-1')).to.throw('W4');
    const failed = folded(accepted, { ...cancelOfB, step: 0 }, cancelOfB, failing);
    const opened = { ...retried, steps: [0, 2] };
    expect(() => evolveWorkflow(failed, opened, plan, 'wf-1')).to.throw('W4');
  });

  it('hold a start and an end that clocks of other nodes cannot move out of order', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (skew) => {
        const workflow = DrivenWorkflow.started(graph({ a: [] }));
        workflow.now += 50;

        workflow.send({
          type: 'task.started',
          step: 0,
          attempt: 1,
          node: 'there',
          at: workflow.now + skew,
        });

        const { scheduledAt, startedAt } = workflow.task('a');
        expect(startedAt).to.be.within(scheduledAt ?? 0, workflow.now);
      }),
    );
  });
});
