import { expect } from 'chai';

import { underDefaults } from '#actors/defaults.ts';
import { planOf } from '#actors/plan.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

const all = ['initialIntervalMs', 'maxIntervalMs', 'startToCloseMs'] as const;
const step = { retry: { maxAttempts: 3 }, timeouts: { startToCloseMs: 600_000 } };

describe('the defaults of a cluster', () => {
  it('decide what a definition leaves open: how long an attempt may take, and when it is tried again', () => {
    const workflow = new DrivenWorkflow(graph({ a: { ...step, open: all } }));
    workflow.start({ defaults: { startToCloseMs: 2000, retryIntervalMs: 90_000 } });
    workflow.begin('a');
    workflow.pass(1999);
    const before = workflow.status('a');
    workflow.pass(1);
    const { retryAt, failure } = workflow.task('a');

    expect(before).to.equal('running');
    expect(failure?.name).to.equal('StartToCloseTimeout');
    expect(retryAt).to.equal(workflow.now + 90_000);
  });

  it('decide nothing that its author has said', () => {
    const workflow = new DrivenWorkflow(
      graph({
        a: { ...step, retry: { maxAttempts: 3, maxIntervalMs: 5000 }, open: ['initialIntervalMs'] },
        b: step,
      }),
    );
    workflow.start({ defaults: { startToCloseMs: 2000, retryIntervalMs: 90_000 } });
    workflow.begin('a');
    workflow.pass(3000);
    workflow.fail('a');
    workflow.fail('b');

    expect(workflow.task('a').retryAt, 'no longer than its longest').to.equal(workflow.now + 5000);
    expect(workflow.task('b').retryAt).to.equal(workflow.now + 1000);
  });

  it('stay with a workflow from its start, wherever it is decided about, and are none when none were said', () => {
    const sketch = graph({ a: { ...step, open: all } });
    const workflow = new DrivenWorkflow(sketch);
    workflow.start({ defaults: { retryIntervalMs: 7000 } });
    workflow.moveThroughStore();
    workflow.fail('a');
    const plain = DrivenWorkflow.started(sketch);
    plain.fail('a');

    expect(workflow.task('a').retryAt).to.equal(workflow.now + 7000);
    expect(plain.task('a').retryAt).to.equal(plain.now + 1000);
    expect(plain.state.defaults).to.equal(null);
  });

  it('make one plan of the same defaults, and leave the definition as it is', () => {
    const plan = planOf(graph({ a: { ...step, open: all } }));

    const filled = underDefaults(plan, { startToCloseMs: 1 });

    expect(underDefaults(plan, { startToCloseMs: 1 })).to.equal(filled);
    expect(underDefaults(plan, { startToCloseMs: 2 })).not.to.equal(filled);
    expect(underDefaults(plan, null)).to.equal(plan);
    expect(plan.steps[0]?.step.timeouts.startToCloseMs).to.equal(600_000);
    expect(filled.graph.steps[0]).to.equal(filled.steps[0]?.step);
  });
});
