import { expect } from 'chai';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

describe('cancel', () => {
  it('tells what runs to stop, with the reason, and starts nothing more', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [], c: ['a', 'b'] }));
    workflow.begin('a');
    workflow.complete('b');

    const reply = workflow.cancel('the customer left');

    expect(reply).to.deep.equal({ ok: true, value: { state: 'canceled' } });
    expect(workflow.aborted).to.deep.equal([['a', 'the customer left']]);
    expect(workflow.handedOut).to.deep.equal(['a', 'b']);
    expect(['a', 'b', 'c'].map((step) => workflow.status(step))).to.deep.equal([
      'canceled',
      'completed',
      'canceled',
    ]);
    expect(workflow.state).to.include({ status: 'canceled', cancelReason: 'the customer left' });
  });

  it('takes back what waits in a queue', () => {
    const workflow = new DrivenWorkflow(graph({ a: { queue: 'mail' } }));
    workflow.place = () => 'queue';
    workflow.start();

    workflow.cancel();

    const abort = workflow.effects.find((effect) => effect.type === 'abort');
    expect(abort).to.deep.include({
      queue: 'mail',
      where: 'queue',
      ref: { actor: 'wf-1', task: 0, attempt: 1, delivery: 1 },
    });
  });

  it('does not start a retry that was waited for', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));
    workflow.fail('a');

    workflow.cancel();
    workflow.pass(60_000);

    expect(workflow.handedOut).to.deep.equal(['a']);
    expect(workflow.dueAt()).to.equal(null);
  });

  it('is final: results, failures, losses and time that come later change nothing', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'] }, { timeoutMs: 1000 }));
    workflow.begin('a');
    workflow.cancel();
    const events = workflow.journal.length;
    const effects = workflow.effects.length;

    workflow.complete('a', { late: true });
    workflow.fail('a');
    workflow.lose('a');
    workflow.release('a');
    workflow.progress('a', { fraction: 1 });
    workflow.begin('a');
    workflow.now += 5000;
    workflow.wake();

    expect(workflow.journal).to.have.length(events);
    expect(workflow.effects).to.have.length(effects);
    expect(workflow.state.status).to.equal('canceled');
  });

  it('of what is canceled is fine', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.cancel('first');

    const reply = workflow.cancel('second');

    expect(reply).to.deep.equal({ ok: true, value: { state: 'canceled' } });
    expect(workflow.state.cancelReason).to.equal('first');
  });

  it('of what has completed is refused', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.complete('a');

    const reply = workflow.cancel();

    expect(reply).to.include({ ok: false, code: 'ALREADY_CLOSED' });
    expect(workflow.state.status).to.equal('completed');
  });

  it('of what was never started is refused', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));

    expect(workflow.cancel()).to.include({ ok: false, code: 'NOT_FOUND' });
  });

  it('wins over a workflow that was going to fail', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [] }, { onFailure: 'letFinish' }));
    workflow.fail('a');

    workflow.cancel();

    expect(workflow.state.status).to.equal('canceled');
  });
});

describe('the first step that fails for good', () => {
  it('cancels the steps beside it', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [], c: ['b'] }));
    workflow.begin('b');

    workflow.fail('a', { message: 'broken' });

    expect(workflow.state.status).to.equal('failed');
    expect(workflow.aborted).to.deep.equal([['b', 'step a failed']]);
    expect(workflow.status('b')).to.equal('canceled');
    expect(workflow.status('c')).to.equal('canceled');
  });

  it('sends no order to stop to the attempt that has just ended', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));

    workflow.fail('a');

    expect(workflow.aborted).to.deep.equal([]);
  });

  it('lets the steps beside it finish when the definition says so, and starts nothing new', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: [], b: [], c: ['b'] }, { onFailure: 'letFinish' }),
    );

    workflow.fail('a', { message: 'broken' });
    const between = workflow.state.status;
    workflow.complete('b', { done: true });

    expect(between).to.equal('running');
    expect(workflow.aborted).to.deep.equal([]);
    expect(workflow.status('b')).to.equal('completed');
    expect(workflow.status('c')).to.equal('canceled');
    expect(workflow.handedOut).to.deep.equal(['a', 'b']);
    expect(workflow.state.status).to.equal('failed');
    expect(workflow.state.failure).to.include({ step: 'a', message: 'broken' });
  });

  it('lets those that are between two attempts have their next', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: [], b: { retry: { maxAttempts: 2 } } }, { onFailure: 'letFinish' }),
    );
    workflow.fail('b');

    workflow.fail('a');
    workflow.pass(1000);
    workflow.complete('b');

    expect(workflow.status('b')).to.equal('completed');
    expect(workflow.state.status).to.equal('failed');
  });

  it('stays the reason when another fails while it finishes', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [] }, { onFailure: 'letFinish' }));

    workflow.fail('a', { message: 'first' });
    workflow.fail('b', { message: 'second' });

    expect(workflow.state.failure).to.include({ step: 'a', message: 'first' });
    expect(workflow.task('b').failure).to.include({ message: 'second' });
  });
});
