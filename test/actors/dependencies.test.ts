import { expect } from 'chai';

import { planOf } from '#actors/plan.ts';
import { mergedOutput } from '#actors/workflow-state.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { chain, graph, orderProcessing } from '../support/graphs.ts';

describe('a step and what it depends on', () => {
  it('hands out all steps without dependencies at the start, and no other', () => {
    const workflow = DrivenWorkflow.started(orderProcessing());

    expect(workflow.handedOut).to.deep.equal(['validate_order', 'check_inventory']);
    expect(workflow.state.status).to.equal('running');
  });

  it('starts a step in the very decision in which the last of its dependencies ends', () => {
    const workflow = DrivenWorkflow.started(orderProcessing());
    workflow.complete('validate_order');

    const { effects } = workflow.end('check_inventory', { status: 'completed', output: {} });

    expect(effects.map((effect) => effect.type)).to.deep.equal(['execute', 'execute']);
    expect(workflow.handedOut.slice(2)).to.deep.equal(['charge_payment', 'reserve_items']);
  });

  it('does not hold back a step for one beside its dependencies (no barrier between levels)', () => {
    const workflow = DrivenWorkflow.started(
      graph({ fast: [], slow: [], after_fast: ['fast'], last: ['after_fast'] }),
    );

    workflow.complete('fast');
    workflow.complete('after_fast');
    workflow.complete('last');

    expect(workflow.status('slow')).to.equal('pending');
    expect(workflow.status('last')).to.equal('completed');
    expect(workflow.state.status).to.equal('running');
  });

  it('completes when two parallel steps end at the same instant', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: [], join: ['a', 'b'] }));

    workflow.complete('b');
    workflow.complete('a');
    workflow.complete('join');

    expect(workflow.state.status).to.equal('completed');
  });

  it('completes a workflow of 400 instant steps in a row', () => {
    const workflow = DrivenWorkflow.started(chain(400));

    for (const { step } of workflow.plan.steps) workflow.complete(step.name);

    expect(workflow.state.status).to.equal('completed');
  });

  it('runs the same task type in several steps, each by itself', () => {
    const workflow = DrivenWorkflow.started(
      graph({
        one: { task: 'send', queue: 'send' },
        two: { task: 'send', queue: 'send', needs: ['one'] },
      }),
    );

    workflow.complete('one', { first: true });
    workflow.complete('two', { second: true });

    expect(workflow.executed.map((work) => work.queue)).to.deep.equal(['send', 'send']);
    expect(workflow.state.status).to.equal('completed');
    expect(mergedOutput(workflow.state)).to.deep.equal({ first: true, second: true });
  });

  it('gives a step the outputs of all steps before it, in the order of the definition, and of no other', () => {
    const workflow = DrivenWorkflow.started(
      graph({ early: [], beside: [], middle: ['early'], late: ['middle'] }),
      { from: 'input' },
    );
    workflow.complete('beside', { beside: 1 });
    workflow.complete('early', { early: 1 });

    workflow.complete('middle', { middle: 1 });

    const { input, outputs } = workflow.given('late');
    expect(input).to.deep.equal({ from: 'input' });
    expect(Object.entries(outputs)).to.deep.equal([
      ['early', { early: 1 }],
      ['middle', { middle: 1 }],
    ]);
  });

  it('takes dependencies on steps that the definition names later', () => {
    const workflow = DrivenWorkflow.started(graph({ second: ['first'], first: [] }));

    workflow.complete('first');
    workflow.complete('second');

    expect(workflow.handedOut).to.deep.equal(['first', 'second']);
    expect(workflow.state.status).to.equal('completed');
  });

  it('refuses a graph whose steps wait for each other, naming the circle', () => {
    expect(() => planOf(graph({ a: ['c'], b: ['a'], c: ['b'] }))).to.throw('a -> c -> b -> a');
  });

  it('refuses a graph that names a step it does not have', () => {
    expect(() => planOf(graph({ a: ['nowhere'] }))).to.throw('"nowhere"');
  });
});

describe('the merged output', () => {
  it('lays outputs over the input in the order of the definition, whatever the order of completion', () => {
    const workflow = DrivenWorkflow.started(graph({ first: [], second: [] }), {
      key: 'input',
      kept: true,
    });

    workflow.complete('second', { key: 'second' });
    workflow.complete('first', { key: 'first' });

    expect(mergedOutput(workflow.state)).to.deep.equal({ key: 'second', kept: true });
  });

  it('leaves out what is no object', () => {
    const workflow = DrivenWorkflow.started(graph({ list: [], text: [], none: [] }), { in: 1 });

    workflow.complete('list', [1, 2]);
    workflow.complete('text', 'text');
    workflow.complete('none', null);

    expect(mergedOutput(workflow.state)).to.deep.equal({ in: 1 });
  });

  it('keeps a key called __proto__ as a key', () => {
    const workflow = DrivenWorkflow.started(graph({ only: [] }));

    workflow.complete('only', JSON.parse('{"__proto__": {"admin": true}, "fine": 1}'));

    const output = mergedOutput(workflow.state);
    expect(Object.keys(output)).to.deep.equal(['__proto__', 'fine']);
    expect('admin' in output).to.equal(false);
  });
});
