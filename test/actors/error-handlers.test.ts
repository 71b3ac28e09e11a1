import { expect } from 'chai';

import { mergedOutput } from '#actors/workflow-state.ts';
import { taskViews } from '#actors/workflow-view.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import type { StepSketch } from '../support/graphs.ts';
import { graph } from '../support/graphs.ts';

const charge = { charge: { onError: 'refund' }, refund: [], after: ['charge'] };

describe('a step with an error handler', () => {
  it('runs the handler, with the error as its input, instead of failing the workflow', () => {
    const workflow = DrivenWorkflow.started(graph(charge));

    workflow.fail('charge', { name: 'CardDeclined', message: 'no money' });

    expect(workflow.state.status).to.equal('running');
    expect(workflow.status('charge')).to.equal('failed');
    expect(workflow.handedOut).to.deep.equal(['charge', 'refund']);
    expect(workflow.given('refund').error).to.deep.equal({
      step: 'charge',
      name: 'CardDeclined',
      kind: 'error',
      message: 'no money',
      attempt: 1,
    });
  });

  it('shows the handler the same error that its task shows as input', () => {
    const workflow = DrivenWorkflow.started(graph(charge), { order: 7 });

    workflow.fail('charge', { message: 'no money' });

    const shown = taskViews(workflow.plan, workflow.state)[1]?.input;
    expect(shown).to.deep.equal({ order: 7, error: workflow.given('refund').error });
  });

  it('asks the handler only after the last attempt', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { onError: 'h', retry: { maxAttempts: 2 } }, h: [] }),
    );

    workflow.fail('a');
    const first = [...workflow.handedOut];
    workflow.pass(1000);
    workflow.fail('a');

    expect(first).to.deep.equal(['a']);
    expect(workflow.handedOut).to.deep.equal(['a', 'a', 'h']);
  });

  it('lets its dependents wait for the handler and see its output', () => {
    const workflow = DrivenWorkflow.started(graph(charge));
    workflow.fail('charge');
    const before = [...workflow.handedOut];

    workflow.complete('refund', { refunded: true });

    expect(before).not.to.include('after');
    expect(workflow.given('after').outputs).to.deep.equal({ refund: { refunded: true } });
    workflow.complete('after');
    expect(workflow.state.status).to.equal('completed');
    expect(mergedOutput(workflow.state)).to.deep.equal({ refunded: true });
  });

  it('skips the handler when there was nothing to handle', () => {
    const workflow = DrivenWorkflow.started(graph(charge));

    workflow.complete('charge', { paid: true });

    expect(workflow.task('refund')).to.include({
      status: 'skipped',
      reason: 'there was no error to handle',
    });
    expect(workflow.handedOut).to.deep.equal(['charge', 'after']);
  });

  it('fails the workflow, with the error of the handler, when the handler fails', () => {
    const workflow = DrivenWorkflow.started(graph(charge));
    workflow.fail('charge', { message: 'no money' });

    workflow.fail('refund', { message: 'no bank' });

    expect(workflow.state.status).to.equal('failed');
    expect(workflow.state.failure).to.include({ step: 'refund', message: 'no bank' });
    expect(workflow.status('after')).to.equal('canceled');
  });

  it('fails the workflow, with its own error, when the handler is skipped by its condition', () => {
    const workflow = DrivenWorkflow.started(graph({ ...charge, refund: { conditional: true } }));
    workflow.fail('charge', { message: 'no money' });

    workflow.skip('refund');

    expect(workflow.status('refund')).to.equal('skipped');
    expect(workflow.state.status).to.equal('failed');
    expect(workflow.state.failure).to.include({ step: 'charge', message: 'no money' });
    expect(workflow.handedOut).not.to.include('after');
  });

  it('may have a handler that has a handler', () => {
    const steps: Record<string, StepSketch> = {
      a: { onError: 'h' },
      h: { onError: 'hh' },
      hh: [],
      after: ['a'],
    };
    const workflow = DrivenWorkflow.started(graph(steps));

    workflow.fail('a', { message: 'first' });
    workflow.fail('h', { message: 'second' });
    const before = [...workflow.handedOut];
    workflow.complete('hh');

    expect(workflow.given('hh').error).to.include({ step: 'h', message: 'second' });
    expect(before).to.deep.equal(['a', 'h', 'hh']);
    expect(workflow.handedOut.at(-1)).to.equal('after');
  });

  it('runs a handler that needs other steps after those', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { onError: 'h' }, b: [], h: ['b'] }));

    workflow.fail('a');
    const before = [...workflow.handedOut];
    workflow.complete('b', { b: 1 });

    expect(before).to.deep.equal(['a', 'b']);
    expect(workflow.handedOut.at(-1)).to.equal('h');
    expect(workflow.given('h').outputs).to.deep.equal({ b: { b: 1 } });
  });
});
