import { expect } from 'chai';

import { taskViews, workflowView } from '#actors/workflow-view.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

const at = '2023-11-14T22:13:20.000Z';

describe('a workflow as people see it', () => {
  it('has the fields of the seed, and its outputs merged and apart', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'] }), { order: 7 });
    workflow.complete('a', { ok: true });
    workflow.complete('b', 'text');

    const view = workflowView(workflow.plan, workflow.state);

    expect(view).to.deep.equal({
      id: 'wf-1',
      name: 'test',
      version: '1',
      tags: {},
      input: { order: 7 },
      output: { order: 7, ok: true },
      outputs: { a: { ok: true }, b: 'text' },
      state: 'completed',
      tasks: ['wf-1.0', 'wf-1.1'],
      created_at: at,
      started_at: at,
      ended_at: at,
    });
  });

  it('has the tags that it was started with', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));
    workflow.start({ tags: { customer: 'acme' } });

    expect(workflowView(workflow.plan, workflow.state).tags).to.deep.equal({ customer: 'acme' });
  });

  it('has no output before it has completed', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'] }));
    workflow.complete('a', { ok: true });

    const view = workflowView(workflow.plan, workflow.state);

    expect(view).not.to.have.any.keys('output', 'ended_at', 'error');
    expect(view.outputs).to.deep.equal({ a: { ok: true } });
  });

  it('says why it failed, or why it was canceled', () => {
    const failed = DrivenWorkflow.started(graph({ a: [] }));
    const canceled = DrivenWorkflow.started(graph({ a: [] }));

    failed.fail('a', { message: 'no money' });
    canceled.cancel('the customer left');

    expect(workflowView(failed.plan, failed.state)).to.include({
      state: 'failed',
      error: 'no money',
    });
    expect(workflowView(canceled.plan, canceled.state)).to.include({
      state: 'canceled',
      error: 'the customer left',
    });
  });
});

describe('a task as people see it', () => {
  it('has the fields of the seed, and counts attempts and retries', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: [], b: { task: 'send', needs: ['a'], retry: { maxAttempts: 4 } } }),
      { order: 7 },
    );
    workflow.complete('a', { ok: true });
    workflow.begin('b');
    workflow.progress('b', { fraction: 0.5, note: 'half' });

    const [, view] = taskViews(workflow.plan, workflow.state);

    expect(view).to.deep.equal({
      id: 'wf-1.1',
      workflow_id: 'wf-1',
      type: 'send',
      step: 'b',
      depends_on: ['a'],
      input: { order: 7, ok: true },
      state: 'running',
      retry_count: 0,
      max_retries: 3,
      attempt: 1,
      created_at: at,
      started_at: at,
      worker_id: 'here',
      progress: { fraction: 0.5, note: 'half' },
    });
  });

  it('shows the error of the attempt before and the time of the next', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));

    workflow.fail('a', { message: 'try again' });

    const [view] = taskViews(workflow.plan, workflow.state);
    expect(view).to.deep.include({
      state: 'retrying',
      error: 'try again',
      next_attempt_at: '2023-11-14T22:13:21.000Z',
    });
  });

  it('says why it was skipped or canceled', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { conditional: true }, b: [] }));
    workflow.skip('a');
    workflow.cancel('enough');

    const reasons = taskViews(workflow.plan, workflow.state).map((view) => view.reason);

    expect(reasons).to.deep.equal(['its condition was false', 'enough']);
  });
});
