import { expect } from 'chai';

import type { Timeouts } from '#actors/definition.ts';

import { DrivenWorkflow, failureLike } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

function withTimeouts(timeouts: Partial<Timeouts>, maxAttempts = 1): DrivenWorkflow {
  return DrivenWorkflow.started(graph({ a: { timeouts, retry: { maxAttempts } } }));
}

describe('a timeout', () => {
  it('start-to-close ends an attempt that runs too long, and tells it to stop', () => {
    const workflow = withTimeouts({ startToCloseMs: 500 });
    workflow.pass(10_000);
    workflow.begin('a');

    workflow.pass(499);
    const before = workflow.status('a');
    workflow.pass(1);

    expect(before).to.equal('running');
    expect(workflow.task('a').failure).to.include({
      kind: 'timeout',
      name: 'StartToCloseTimeout',
      message: 'a did not end within 500 ms',
    });
    expect(workflow.aborted).to.deep.equal([['a', 'a did not end within 500 ms']]);
    expect(workflow.state.failure).to.include({ step: 'a', name: 'StartToCloseTimeout' });
  });

  it('start-to-close is measured anew for each attempt', () => {
    const workflow = withTimeouts({ startToCloseMs: 500 }, 2);
    workflow.begin('a');
    workflow.pass(500);

    workflow.pass(1000);
    workflow.begin('a');
    workflow.pass(499);

    expect(workflow.task('a')).to.include({ status: 'running', attempt: 2 });
  });

  it('schedule-to-start ends an attempt that nobody begins', () => {
    const workflow = withTimeouts({ scheduleToStartMs: 500 });

    workflow.pass(500);

    expect(workflow.task('a').failure).to.include({
      name: 'ScheduleToStartTimeout',
      message: 'a did not start within 500 ms',
    });
  });

  it('schedule-to-start does not concern an attempt that runs', () => {
    const workflow = withTimeouts({ scheduleToStartMs: 500 });
    workflow.begin('a');

    workflow.pass(10_000);

    expect(workflow.status('a')).to.equal('running');
  });

  it('schedule-to-close ends the task with all its attempts, also between two of them', () => {
    const workflow = withTimeouts({ scheduleToCloseMs: 1500 }, 10);

    workflow.fail('a');
    workflow.pass(1000);
    workflow.fail('a');
    workflow.pass(500);

    expect(workflow.task('a')).to.include({ status: 'failed', attempt: 2 });
    expect(workflow.task('a').failure).to.include({
      name: 'ScheduleToCloseTimeout',
      retryable: false,
    });
  });

  it('of heartbeats ends an attempt that is silent too long', () => {
    const workflow = withTimeouts({ heartbeatMs: 100 });
    workflow.begin('a');
    for (const _ of [1, 2, 3]) {
      workflow.pass(90);
      workflow.progress('a', {});
    }
    const alive = workflow.status('a');

    workflow.pass(100);

    expect(alive).to.equal('running');
    expect(workflow.task('a').failure).to.include({
      name: 'HeartbeatTimeout',
      message: 'a did not report within 100 ms',
    });
  });

  it('names the limit that ran out first', () => {
    const workflow = withTimeouts({ startToCloseMs: 300, heartbeatMs: 200 });
    workflow.begin('a');

    workflow.now += 1000;
    workflow.wake();

    expect(workflow.task('a').failure?.name).to.equal('HeartbeatTimeout');
  });

  it('names the limit of the task before that of an attempt, because it is final', () => {
    const workflow = withTimeouts({ startToCloseMs: 300, scheduleToCloseMs: 400 }, 5);
    workflow.begin('a');

    workflow.now += 1000;
    workflow.wake();

    expect(workflow.task('a').failure?.name).to.equal('ScheduleToCloseTimeout');
    expect(workflow.status('a')).to.equal('failed');
  });

  it('of the workflow ends it and all its tasks', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'] }, { timeoutMs: 5000 }));
    workflow.begin('a');

    workflow.pass(5000);

    expect(workflow.state).to.include({ status: 'failed' });
    expect(workflow.state.failure).to.include({
      kind: 'timeout',
      name: 'WorkflowTimeout',
      message: 'the workflow did not end within 5000 ms',
    });
    expect(workflow.status('a')).to.equal('canceled');
    expect(workflow.status('b')).to.equal('canceled');
    expect(workflow.aborted.map(([step]) => step)).to.deep.equal(['a']);
  });

  it('of the workflow is what the start says, before what the definition says', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }, { timeoutMs: 5000 }));

    workflow.start({ timeoutMs: 100 });
    workflow.pass(100);

    expect(workflow.state.failure).to.include({ name: 'WorkflowTimeout' });
  });

  it('that can be tried again is', () => {
    const workflow = withTimeouts({ startToCloseMs: 500 }, 2);
    workflow.begin('a');

    workflow.pass(1500);
    workflow.begin('a');
    workflow.complete('a');

    expect(workflow.state.status).to.equal('completed');
  });

  it('that has passed makes the late result of its attempt count for nothing', () => {
    const workflow = withTimeouts({ startToCloseMs: 500 }, 2);
    workflow.begin('a');
    workflow.pass(500);

    const { events } = workflow.end('a', { status: 'completed', output: {} }, { attempt: 1 });

    expect(events).to.deep.equal([]);
    expect(workflow.status('a')).to.equal('retrying');
  });

  it('that has not passed changes nothing when the workflow is woken early', () => {
    const workflow = withTimeouts({ startToCloseMs: 500 });
    workflow.begin('a');

    workflow.now += 499;
    const { events } = workflow.send({ type: 'wake' });

    expect(events).to.deep.equal([]);
    expect(workflow.dueAt()).to.equal(workflow.now + 1);
  });

  it('is an error like any other to a handler', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { onError: 'h', timeouts: { scheduleToStartMs: 10 } }, h: [] }),
    );

    workflow.pass(10);

    expect(workflow.given('h').error).to.include({
      step: 'a',
      kind: 'timeout',
      name: 'ScheduleToStartTimeout',
    });
  });

  it('is not wanted of a task that has ended or not begun to wait', () => {
    const timeouts = { startToCloseMs: 1, scheduleToStartMs: 1, scheduleToCloseMs: 1 };
    const workflow = DrivenWorkflow.started(graph({ a: [], b: { needs: ['a'], timeouts } }));
    const waiting = workflow.dueAt();

    workflow.end('a', { status: 'failed', failure: failureLike() });

    expect(waiting).to.equal(null);
    expect(workflow.dueAt()).to.equal(null);
  });
});
