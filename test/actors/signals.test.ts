import { expect } from 'chai';

import { mergedOutput } from '#actors/workflow-state.ts';
import { taskViews } from '#actors/workflow-view.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

const approval = { ask: [], approve: { needs: ['ask'], signal: {} }, pay: ['approve'] };

function refusal(reply: unknown): unknown {
  return typeof reply === 'object' && reply !== null && 'code' in reply ? reply.code : reply;
}

describe('a step that waits for a signal', () => {
  it('hands nothing out, and lets the workflow run on with the payload as its output', () => {
    const workflow = DrivenWorkflow.started(graph(approval), { amount: 7 });
    workflow.complete('ask', { asked: true });
    const waiting = workflow.status('approve');
    const dueAt = workflow.dueAt();

    const reply = workflow.signal('approve', { approved: true });
    workflow.complete('pay', { paid: 7 });

    expect(waiting).to.equal('waiting');
    expect(dueAt).to.equal(null);
    expect(reply).to.deep.equal({ ok: true, value: { state: 'completed' } });
    expect(workflow.handedOut).to.deep.equal(['ask', 'pay']);
    expect(workflow.given('pay').outputs).to.deep.include({ approve: { approved: true } });
    expect(workflow.state.status).to.equal('completed');
    expect(mergedOutput(workflow.state)).to.deep.equal({
      amount: 7,
      asked: true,
      approved: true,
      paid: 7,
    });
  });

  it('takes any JSON: what is no object is its output all the same', () => {
    const workflow = DrivenWorkflow.started(graph({ vote: { signal: {} } }));

    workflow.signal('vote', [1, 'x', null]);

    expect(workflow.task('vote')).to.deep.include({ status: 'completed', output: [1, 'x', null] });
    expect(workflow.state.status).to.equal('completed');
  });

  it('makes the workflow run, though no task has begun', () => {
    const workflow = DrivenWorkflow.started(graph({ approve: { signal: {} } }));

    expect(workflow.state).to.include({ status: 'running', startedAt: workflow.now });
    expect(workflow.task('approve')).to.include({ attempt: 1, startedAt: workflow.now });
  });

  it('shows since when it waits, and no node', () => {
    const workflow = DrivenWorkflow.started(graph({ approve: { signal: {} } }));
    const since = new Date(workflow.now).toISOString();
    workflow.now += 90_000;
    workflow.signal('approve', { by: 'ada' });

    const [task] = taskViews(workflow.plan, workflow.state);

    expect(task).to.deep.include({
      state: 'completed',
      output: { by: 'ada' },
      started_at: since,
      completed_at: new Date(workflow.now).toISOString(),
      attempt: 1,
      retry_count: 0,
    });
    expect(task).not.to.have.property('worker_id');
  });

  it('is moved to another node while it waits, and takes the signal there', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.complete('ask');
    workflow.moveThroughStore();

    workflow.signal('approve', { approved: true });

    expect(workflow.status('approve')).to.equal('completed');
    expect(workflow.handedOut).to.deep.equal(['ask', 'pay']);
  });
});

describe('a signal that comes before its step’s turn', () => {
  it('is kept, and there when the turn comes', () => {
    const workflow = DrivenWorkflow.started(graph(approval));

    const reply = workflow.signal('approve', { approved: true });
    const before = workflow.status('approve');
    workflow.moveThroughStore();
    workflow.complete('ask');

    expect(reply).to.deep.equal({ ok: true, value: { state: 'pending' } });
    expect(before).to.equal('pending');
    expect(workflow.task('approve')).to.deep.include({
      status: 'completed',
      output: { approved: true },
    });
    expect(workflow.handedOut).to.deep.equal(['ask', 'pay']);
  });

  it('is not shown as an output until then', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.signal('approve', { approved: true });

    const task = taskViews(workflow.plan, workflow.state)[1];

    expect(task).not.to.have.property('output');
    expect(mergedOutput(workflow.state)).to.deep.equal({});
  });

  it('is still there when the workflow failed before its turn and is retried', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.signal('approve', { approved: true });
    workflow.fail('ask');

    workflow.retry();
    workflow.complete('ask');

    expect(workflow.task('approve')).to.deep.include({
      status: 'completed',
      output: { approved: true },
    });
  });

  it('goes with a step that is skipped', () => {
    const workflow = DrivenWorkflow.started(
      graph({
        ask: { conditional: true },
        approve: { needs: ['ask'], signal: {}, whenNeedsSkipped: 'skip' },
        pay: ['approve'],
      }),
    );
    workflow.signal('approve', { approved: true });

    workflow.skip('ask');
    workflow.complete('pay');

    expect(workflow.status('approve')).to.equal('skipped');
    expect(workflow.given('pay').outputs).to.deep.equal({});
    expect(mergedOutput(workflow.state)).to.deep.equal({});
  });
});

describe('W7 a signal that comes again', () => {
  it('is the same one when it is the same message, also after the end: it is answered and changes nothing', () => {
    const workflow = DrivenWorkflow.started(graph({ approve: { signal: {} } }));
    workflow.signal('approve', { approved: true }, 'm-1');
    const events = workflow.journal.length;

    const reply = workflow.signal('approve', { approved: true }, 'm-1');

    expect(reply).to.deep.equal({ ok: true, value: { state: 'completed' } });
    expect(workflow.journal).to.have.length(events);
  });

  it('is the same one when what was sent is the same, though a schema has made another payload of it', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    const signal = { type: 'workflow.signal', signal: 'approve' } as const;
    workflow.call({ ...signal, payload: { at: 1 }, payloadDigest: 'x' }, 'm-1');

    const same = workflow.call({ ...signal, payload: { at: 2 }, payloadDigest: 'x' }, 'm-1');
    const other = workflow.call({ ...signal, payload: { at: 1 }, payloadDigest: 'y' }, 'm-1');

    const elsewhere = workflow.call({ ...signal, payload: { at: 3 } }, 'm-1');

    expect(same).to.include({ ok: true });
    // A node that has no schema cannot tell, and an honest repeat is not to be refused.
    expect(elsewhere).to.include({ ok: true });
    expect(refusal(other)).to.equal('IDEMPOTENCY_MISMATCH');
    expect(workflow.task('approve').output).to.deep.equal({ at: 1 });
  });

  it('is refused when it is another message, waited for or not', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.signal('approve', { approved: true });

    const early = workflow.signal('approve', { approved: false });
    workflow.complete('ask');
    const late = workflow.signal('approve', { approved: false });

    expect(early).to.deep.equal({
      ok: false,
      code: 'SIGNAL_NOT_AWAITED',
      message: 'wf-1 waits no more for the signal "approve": it has come before',
    });
    expect(late).to.deep.equal(early);
    expect(workflow.task('approve').output).to.deep.equal({ approved: true });
  });

  it('is refused when the same message says something else', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.signal('approve', { approved: true }, 'm-1');

    const reply = workflow.signal('approve', { approved: false }, 'm-1');

    expect(refusal(reply)).to.equal('IDEMPOTENCY_MISMATCH');
  });
});

describe('a signal that nobody waits for', () => {
  it('is refused with the names of those that somebody waits for', () => {
    const workflow = DrivenWorkflow.started(graph(approval));

    expect(workflow.signal('aprove')).to.deep.equal({
      ok: false,
      code: 'UNKNOWN_SIGNAL',
      message:
        'wf-1 has no step that waits for the signal "aprove". Did you mean "approve"? Its signals: approve.',
    });
  });

  it('is refused for a step that runs a handler', () => {
    const workflow = DrivenWorkflow.started(graph({ ask: [] }));

    expect(workflow.signal('ask')).to.deep.equal({
      ok: false,
      code: 'UNKNOWN_SIGNAL',
      message: 'wf-1 has no step that waits for the signal "ask". It has none that waits for one.',
    });
    expect(workflow.status('ask')).to.equal('pending');
  });

  it('is refused when the workflow has ended without it', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.cancel();

    expect(refusal(workflow.signal('approve'))).to.equal('ALREADY_CLOSED');
  });

  it('is refused when its step was skipped', () => {
    const workflow = DrivenWorkflow.started(
      graph({
        ask: { conditional: true },
        approve: { needs: ['ask'], signal: {}, whenNeedsSkipped: 'skip' },
        pay: ['approve'],
      }),
    );
    workflow.skip('ask');

    expect(workflow.signal('approve')).to.deep.include({
      code: 'SIGNAL_NOT_AWAITED',
      message: 'wf-1 waits no more for the signal "approve": its step was skipped',
    });
  });

  it('is not found where there is no workflow', () => {
    const workflow = new DrivenWorkflow(graph(approval));

    expect(refusal(workflow.signal('approve'))).to.equal('NOT_FOUND');
  });
});

describe('a signal that does not come', () => {
  const timeouts = { scheduleToCloseMs: 1_000 };

  it('fails the step for good when its time is up, and with it the workflow', () => {
    const workflow = DrivenWorkflow.started(graph({ approve: { signal: {}, timeouts } }));

    workflow.pass(999);
    const before = workflow.status('approve');
    workflow.pass(1);

    expect(before).to.equal('waiting');
    expect(workflow.state.failure).to.deep.equal({
      kind: 'timeout',
      name: 'SignalTimeout',
      message: 'approve did not get its signal within 1000 ms',
      retryable: false,
      step: 'approve',
    });
    expect(workflow.aborted).to.deep.equal([]);
  });

  it('is handled by the step for its errors', () => {
    const workflow = DrivenWorkflow.started(
      graph({ approve: { signal: {}, timeouts, onError: 'remind' }, remind: [] }),
    );

    workflow.pass(1_000);

    expect(workflow.handedOut).to.deep.equal(['remind']);
    expect(workflow.given('remind').error).to.include({ step: 'approve', name: 'SignalTimeout' });
    expect(workflow.signal('approve')).to.deep.include({
      code: 'SIGNAL_NOT_AWAITED',
      message: 'wf-1 waits no more for the signal "approve": its step has failed',
    });
  });

  it('is waited for anew when the workflow is retried', () => {
    const workflow = DrivenWorkflow.started(graph({ approve: { signal: {}, timeouts } }));
    workflow.pass(1_000);

    workflow.retry();
    const due = (workflow.dueAt() ?? 0) - workflow.now;
    workflow.signal('approve', { approved: true });

    expect(due).to.equal(1_000);
    expect(workflow.task('approve')).to.include({ status: 'completed', attempt: 2 });
    expect(workflow.state.status).to.equal('completed');
  });

  it('is no longer waited for when the workflow is canceled', () => {
    const workflow = DrivenWorkflow.started(graph(approval));
    workflow.complete('ask');

    workflow.cancel('nobody is there');

    expect(workflow.task('approve')).to.include({ status: 'canceled', reason: 'nobody is there' });
    expect(workflow.aborted).to.deep.equal([]);
  });

  it('is no longer waited for when another step fails, even while those that run are let finish', () => {
    const workflow = DrivenWorkflow.started(
      graph({ approve: { signal: {} }, fails: [], slow: [] }, { onFailure: 'letFinish' }),
    );

    workflow.fail('fails');
    const status = workflow.status('approve');
    const answer = workflow.signal('approve');
    workflow.complete('slow');

    expect(status).to.equal('canceled');
    expect(refusal(answer)).to.equal('SIGNAL_NOT_AWAITED');
    expect(workflow.state.status).to.equal('failed');
  });
});
