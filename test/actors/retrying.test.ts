import { expect } from 'chai';

import { mergedOutput, readWorkflowState } from '#actors/workflow-state.ts';
import { taskViews, workflowView } from '#actors/workflow-view.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import type { StepSketch } from '../support/graphs.ts';
import { graph } from '../support/graphs.ts';

const charge = { charge: { onError: 'refund' }, refund: [], after: ['charge'] };

function statuses({ plan, state }: DrivenWorkflow): Record<string, string | undefined> {
  return Object.fromEntries(
    plan.steps.map(({ number, step }) => [step.name, state.tasks[number]?.status]),
  );
}

describe('retrying a failed workflow', () => {
  it('runs the failed step again and goes on to the end; what has completed keeps its output and is not run again', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'], c: ['b'] }), { order: 7 });
    workflow.complete('a', { a: 1 });
    workflow.fail('b', { message: 'no bank' });

    const reply = workflow.retry();
    const retried = statuses(workflow);
    workflow.complete('b', { b: 2 });
    workflow.complete('c', { c: 3 });

    expect(reply).to.deep.equal({ ok: true, value: { state: 'running' } });
    expect(retried).to.deep.equal({ a: 'completed', b: 'pending', c: 'pending' });
    expect(workflow.handedOut).to.deep.equal(['a', 'b', 'b', 'c']);
    expect(workflow.state.status).to.equal('completed');
    expect(mergedOutput(workflow.state)).to.deep.equal({ order: 7, a: 1, b: 2, c: 3 });
  });

  it('is one event, of which the state no longer shows a failure or an end, and still when it began', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [] }));
    const { createdAt } = workflow.state;
    workflow.now += 1000;
    workflow.fail('a');
    workflow.now += 1000;

    workflow.retry('m-retry');

    expect(workflow.journal.filter(({ type }) => type === 'workflow.retried')).to.deep.equal([
      {
        type: 'workflow.retried',
        at: createdAt + 2000,
        steps: [0, 1],
        timeoutAt: null,
        by: 'm-retry',
      },
    ]);
    expect(workflow.state).to.include({
      status: 'running',
      createdAt,
      startedAt: createdAt,
      endedAt: null,
      failure: null,
    });
    const view = workflowView(workflow.plan, workflow.state);
    expect(view).not.to.have.any.keys('ended_at', 'error', 'failure');
  });

  it('runs again what was canceled with the failure, whether it was running, waiting or not begun', () => {
    const workflow = DrivenWorkflow.started(
      graph({ fails: [], runs: [], retries: { retry: { maxAttempts: 3 } }, next: ['runs'] }),
    );
    workflow.begin('runs');
    workflow.fail('retries');
    workflow.fail('fails');
    const failed = statuses(workflow);

    workflow.retry();

    expect(failed).to.include({ runs: 'canceled', retries: 'canceled', next: 'canceled' });
    expect(workflow.handedOut.slice(3)).to.deep.equal(['fails', 'runs', 'retries']);
    expect(statuses(workflow)).to.deep.equal({
      fails: 'pending',
      runs: 'pending',
      retries: 'pending',
      next: 'pending',
    });
  });

  it('counts attempts on, so that late results of the old ones change nothing (W6)', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } }, b: [] }));
    workflow.fail('a');
    workflow.pass(1000);
    workflow.fail('a');

    workflow.retry();
    const late = [1, 2].map((attempt) =>
      workflow.end('a', { status: 'completed', output: 'late' }, { attempt }),
    );
    const lateOfB = workflow.end('b', { status: 'completed', output: 'late' }, { attempt: 1 });

    expect(workflow.task('a')).to.include({ attempt: 3, status: 'pending' });
    expect(workflow.task('b')).to.include({ attempt: 2, status: 'pending' });
    expect([...late, lateOfB].flatMap(({ events }) => events)).to.deep.equal([]);
  });

  it('gives its steps new retry budgets, from the first interval on', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { retry: { maxAttempts: 3, maxElapsedMs: 10_000 } } }),
    );
    const giveUp = (): number[] => {
      const waits = [];
      for (;;) {
        workflow.fail('a');
        const { retryAt } = workflow.task('a');
        if (retryAt === null) return waits;
        waits.push(retryAt - workflow.now);
        workflow.pass(retryAt - workflow.now);
      }
    };
    const first = giveUp();
    workflow.now += 60_000;

    workflow.retry();
    const [counted] = taskViews(workflow.plan, workflow.state);
    const second = giveUp();

    expect(first).to.deep.equal([1000, 2000]);
    expect(counted).to.include({ attempt: 4, retry_count: 0, max_retries: 2 });
    expect(second).to.deep.equal(first);
    expect(workflow.task('a').attempt).to.equal(6);
  });

  it('gives its steps their whole time again, and the details of their last heartbeat', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { timeouts: { scheduleToCloseMs: 5000 }, retry: { maxAttempts: 9 } } }),
    );
    workflow.begin('a');
    workflow.progress('a', { details: { row: 7 }, fraction: 0.5 });
    workflow.pass(5000);

    workflow.retry();
    const given = workflow.given('a');
    const { progress } = workflow.task('a');
    workflow.pass(4999);
    const before = workflow.state.status;
    workflow.pass(1);

    expect(given.heartbeatDetails).to.deep.equal({ row: 7 });
    expect(progress).to.equal(null);
    expect(before).to.equal('running');
    expect(workflow.state.failure?.name).to.equal('ScheduleToCloseTimeout');
  });

  it('is possible when its own time ran out, and gives it that time again', () => {
    const workflow = new DrivenWorkflow(graph({ a: [], b: ['a'] }, { timeoutMs: 9000 }));
    workflow.start({ timeoutMs: 3000 });
    workflow.complete('a', { a: 1 });
    workflow.pass(3000);
    const { failure } = workflow.state;
    workflow.now += 500;

    workflow.retry();
    workflow.pass(2999);
    const before = workflow.state.status;
    workflow.pass(1);
    const again = workflow.state.failure;
    workflow.retry();
    workflow.complete('b');

    expect(failure).to.include({ name: 'WorkflowTimeout' });
    expect(before).to.equal('running');
    expect(again).to.deep.equal(failure);
    expect(workflow.state.status).to.equal('completed');
    expect(workflow.handedOut).to.deep.equal(['a', 'b', 'b', 'b']);
  });

  it('by the same message again is the same retry, also when it has failed or completed since', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.fail('a');
    workflow.retry('r1');

    const whileRunning = workflow.retry('r1');
    workflow.fail('a');
    const afterFailure = workflow.retry('r1');
    workflow.retry('r2');
    workflow.complete('a');
    const afterEnd = workflow.retry('r2');

    expect(whileRunning).to.deep.equal({ ok: true, value: { state: 'running' } });
    expect(afterFailure).to.deep.equal({ ok: true, value: { state: 'failed' } });
    expect(afterEnd).to.deep.equal({ ok: true, value: { state: 'completed' } });
    expect(workflow.handedOut).to.deep.equal(['a', 'a', 'a']);
  });

  const others: Readonly<Record<string, (workflow: DrivenWorkflow) => unknown>> = {
    running: (workflow) => workflow.begin('a'),
    completed: (workflow) => workflow.complete('a'),
    canceled: (workflow) => workflow.cancel(),
  };
  for (const [state, bring] of Object.entries(others)) {
    it(`is refused while it is ${state}, saying so, and changes nothing`, () => {
      const workflow = DrivenWorkflow.started(graph({ a: [] }));
      bring(workflow);
      const events = workflow.journal.length;

      const reply = workflow.retry();

      expect(reply).to.deep.equal({
        ok: false,
        code: 'NOT_FAILED',
        message: `workflow wf-1 is ${state}, and only one that has failed can be retried`,
      });
      expect(workflow.journal).to.have.length(events);
    });
  }

  it('is refused while a step has failed and the others are let finish', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [] }, { onFailure: 'letFinish' }));
    workflow.fail('a');

    const reply = workflow.retry();

    expect(reply).to.include({ ok: false, code: 'NOT_FAILED' });
  });

  it('runs all that failed again when the others were let finish', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: [], b: [], c: [], join: ['a', 'b', 'c'] }, { onFailure: 'letFinish' }),
    );
    workflow.fail('a');
    workflow.fail('b');
    workflow.complete('c', { c: 1 });

    workflow.retry();

    expect(statuses(workflow)).to.deep.equal({
      a: 'pending',
      b: 'pending',
      c: 'completed',
      join: 'pending',
    });
    expect(workflow.handedOut.slice(3)).to.deep.equal(['a', 'b']);
    workflow.fail('a');
    expect(workflow.state.status, 'b is let finish again').to.equal('running');
  });

  it('leaves skipped what was skipped for a reason that holds, and thinks again about what lies behind the failure', () => {
    const steps: Record<string, StepSketch> = {
      no: { conditional: true },
      behindNo: { needs: ['no'], whenNeedsSkipped: 'skip' },
      fails: [],
      behindBoth: { needs: ['fails', 'no'], whenNeedsSkipped: 'skip' },
      end: { needs: ['fails'] },
    };
    const workflow = DrivenWorkflow.started(graph(steps, { onFailure: 'letFinish' }));
    workflow.skip('no');
    workflow.fail('fails');

    workflow.retry();
    const retried = statuses(workflow);
    workflow.complete('fails');
    workflow.complete('end');

    expect(retried).to.deep.equal({
      no: 'skipped',
      behindNo: 'skipped',
      fails: 'pending',
      behindBoth: 'pending',
      end: 'pending',
    });
    expect(workflow.status('behindBoth')).to.equal('skipped');
    expect(workflow.state.status).to.equal('completed');
  });

  it('can fail again, with the new failure, and be retried again', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.fail('a', { message: 'first' });
    workflow.retry();

    workflow.fail('a', { message: 'second' });
    const { failure } = workflow.state;
    workflow.retry();
    workflow.complete('a');

    expect(failure).to.include({ step: 'a', message: 'second' });
    expect(workflow.state.status).to.equal('completed');
    expect(workflow.task('a').attempt).to.equal(3);
  });

  it('can be canceled, for good', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.fail('a');
    workflow.retry();

    workflow.cancel('enough');

    expect(workflow.retry()).to.include({ ok: false, code: 'NOT_FAILED' });
    expect(workflow.state).to.include({ status: 'canceled', failure: null });
  });

  it('does not change what is shown of the end before', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [] }));
    workflow.complete('a', { a: 1 });
    workflow.fail('b');
    const ended = workflow.state;
    const shown = JSON.stringify(ended);

    workflow.retry();
    workflow.complete('b');

    expect(JSON.stringify(ended)).to.equal(shown);
    expect(workflow.state.status).to.equal('completed');
  });
});

describe('retrying a workflow with an error handler', () => {
  it('runs a handler that failed again, and not the step whose failure it had taken on', () => {
    const workflow = DrivenWorkflow.started(graph(charge));
    workflow.fail('charge', { message: 'no money' });
    workflow.fail('refund');

    workflow.retry();

    expect(workflow.handedOut).to.deep.equal(['charge', 'refund', 'refund']);
    expect(workflow.given('refund').error).to.include({ step: 'charge', message: 'no money' });
    workflow.complete('refund');
    workflow.complete('after');
    expect(workflow.state.status).to.equal('completed');
  });

  it('runs the step again when its handler was skipped, and skips the handler when there is nothing to handle then', () => {
    const workflow = DrivenWorkflow.started(graph({ ...charge, refund: { conditional: true } }));
    workflow.fail('charge');
    workflow.skip('refund');

    workflow.retry();
    const retried = statuses(workflow);
    workflow.complete('charge');
    workflow.complete('after');

    expect(retried).to.deep.equal({ charge: 'pending', refund: 'pending', after: 'pending' });
    expect(workflow.task('refund').reason).to.equal('there was no error to handle');
    expect(workflow.state.status).to.equal('completed');
  });

  it('leaves a handled failure handled', () => {
    const workflow = DrivenWorkflow.started(graph({ ...charge, other: ['after'] }));
    workflow.fail('charge');
    workflow.complete('refund', { refunded: true });
    workflow.complete('after');
    workflow.fail('other');

    workflow.retry();

    expect(statuses(workflow)).to.include({ charge: 'failed', refund: 'completed' });
    expect(workflow.handedOut.at(-1)).to.equal('other');
    workflow.complete('other');
    expect(workflow.state.status).to.equal('completed');
  });

  it('runs a handler that was canceled with another failure', () => {
    const workflow = DrivenWorkflow.started(graph({ ...charge, other: [] }));
    workflow.fail('charge');
    workflow.fail('other');

    workflow.retry();

    expect(statuses(workflow)).to.deep.equal({
      charge: 'failed',
      refund: 'pending',
      after: 'pending',
      other: 'pending',
    });
    expect(workflow.handedOut.slice(3)).to.deep.equal(['refund', 'other']);
  });
});

describe('a workflow that was stored before workflows could be retried', () => {
  it('is read as one that never was, and can be', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.fail('a');
    const { retriedAt: _, retriedBy: __, tasks, ...old } = workflow.state;
    const oldTasks = tasks.map(({ attemptsBefore: ___, ...task }) => task);

    const read = readWorkflowState(JSON.stringify({ ...old, tasks: oldTasks }));

    expect(read).to.deep.equal(workflow.state);
  });
});
