import { expect } from 'chai';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

describe('a step whose condition is false', () => {
  it('is skipped, with the reason, and takes no part in the output', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { conditional: true }, b: ['a'] }));

    workflow.skip('a');

    expect(workflow.task('a')).to.include({
      status: 'skipped',
      reason: 'its condition was false',
    });
    expect(workflow.given('b').outputs).to.deep.equal({});
  });

  it('does not hold back its dependents', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { conditional: true }, b: [], c: ['a', 'b'] }),
    );

    workflow.skip('a');
    workflow.complete('b');
    workflow.complete('c');

    expect(workflow.handedOut).to.deep.equal(['a', 'b', 'c']);
    expect(workflow.state.status).to.equal('completed');
  });

  it('takes with it the dependents that ask for it, and theirs, in the same decision', () => {
    const workflow = DrivenWorkflow.started(
      graph({
        a: { conditional: true },
        b: { needs: ['a'], whenNeedsSkipped: 'skip' },
        c: { needs: ['b'], whenNeedsSkipped: 'skip' },
        d: ['c'],
      }),
    );

    workflow.skip('a');

    expect(workflow.task('b').reason).to.equal('a was skipped');
    expect(workflow.task('c').reason).to.equal('b was skipped');
    expect(workflow.handedOut).to.deep.equal(['a', 'd']);
  });

  it('completes a workflow of which every step was skipped', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { conditional: true }, b: { conditional: true } }),
    );

    workflow.skip('a');
    workflow.skip('b');

    expect(workflow.state.status).to.equal('completed');
  });

  it('shows no error of an earlier attempt', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: { conditional: true, retry: { maxAttempts: 2 } } }),
    );
    workflow.fail('a', { message: 'the condition itself threw' });
    workflow.pass(1000);

    workflow.skip('a');

    expect(workflow.task('a')).to.include({ status: 'skipped', failure: null });
  });

  it('can be at the head of a chain of 1000 that are all skipped with it', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `s${index}`);
    const steps = names.map((name, index) => [
      name,
      {
        needs: names.slice(index - 1, index),
        conditional: index === 0,
        whenNeedsSkipped: 'skip' as const,
      },
    ]);
    const workflow = DrivenWorkflow.started(graph(Object.fromEntries(steps)));

    workflow.skip('s0');

    expect(workflow.status('s999')).to.equal('skipped');
    expect(workflow.state.status).to.equal('completed');
  });
});
