import { expect } from 'chai';

import { anyNode } from '#actors/message.ts';
import type { Why } from '#actors/why.ts';
import { whyOf } from '#actors/why.ts';
import { workflowView } from '#actors/workflow-view.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

/** Asks as the owner would; all queues are offered but those named. */
function why(workflow: DrivenWorkflow, ...missing: readonly string[]): Why | null {
  return whyOf(workflow.plan, workflow.state, {
    now: workflow.now,
    offers: (queue) => !missing.includes(queue),
    nodeName: (id) => `node ${id}`,
  });
}

function at(workflow: DrivenWorkflow, ms = 0): string {
  return new Date(workflow.now + ms).toISOString();
}

describe('why a workflow is where it is', () => {
  it('is STARTING for a moment after a step was handed out', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { queue: 'mail' } }));

    expect(why(workflow)).to.deep.equal({ code: 'STARTING', step: 'a', params: { type: 'mail' } });
  });

  it('is WAITING_FOR_CAPACITY when nobody has begun the step for a second', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    const since = at(workflow);
    workflow.now += 999;
    const before = why(workflow)?.code;
    workflow.now += 1;

    expect(before).to.equal('STARTING');
    expect(why(workflow)).to.deep.equal({
      code: 'WAITING_FOR_CAPACITY',
      step: 'a',
      params: { type: 'a', since },
    });
  });

  it('is NO_NODE_OFFERS_TYPE when it waits in a queue that no node offers', () => {
    const workflow = new DrivenWorkflow(graph({ a: [], b: [] }));
    workflow.place = (queue) => (queue === 'b' ? anyNode : 'here');
    workflow.start();

    expect(why(workflow, 'b')).to.deep.equal({
      code: 'NO_NODE_OFFERS_TYPE',
      step: 'b',
      params: { type: 'b' },
    });
    expect(why(workflow, 'a')?.code, 'a node has taken it already').to.equal('STARTING');
  });

  it('is WAITING_FOR_SIGNAL, since when and until when, before whatever runs', () => {
    const timeouts = { scheduleToCloseMs: 60_000 };
    const workflow = DrivenWorkflow.started(graph({ approve: { signal: {}, timeouts }, b: [] }));
    const since = at(workflow);
    workflow.now += 5_000;
    workflow.begin('b');

    expect(why(workflow)).to.deep.equal({
      code: 'WAITING_FOR_SIGNAL',
      step: 'approve',
      params: { signal: 'approve', since },
      until: at(workflow, 55_000),
    });
  });

  it('is WAITING_FOR_SIGNAL until the workflow has no time left, and of many steps the one that gives up first', () => {
    const week = { scheduleToCloseMs: 604_800_000 };
    const workflow = new DrivenWorkflow(
      graph({
        ever: { signal: {} },
        long: { signal: {}, timeouts: week },
        soon: { signal: {}, timeouts: { scheduleToCloseMs: 60_000 } },
      }),
    );
    workflow.start({ timeoutMs: 3_600_000 });

    const first = why(workflow);
    workflow.signal('soon');
    const then = why(workflow);

    expect(first).to.deep.include({ step: 'soon', until: at(workflow, 60_000) });
    expect(then).to.deep.include({ step: 'ever', until: at(workflow, 3_600_000) });
  });

  it('is RUNNING with the node, the attempt and since when', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));
    workflow.fail('a');
    workflow.pass(1000);
    workflow.begin('a');
    const since = at(workflow);
    workflow.now += 3_600_000;

    expect(why(workflow)).to.deep.equal({
      code: 'RUNNING',
      step: 'a',
      params: { node: 'node here', attempt: 2, since },
    });
  });

  it('is RUNNING_SILENT after half of the heartbeat timeout, until that has run out', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { timeouts: { heartbeatMs: 10_000 } } }));
    workflow.begin('a');
    workflow.now += 4_000;
    workflow.progress('a', { fraction: 0.5 });
    const since = at(workflow);
    workflow.now += 4_999;
    const before = why(workflow)?.code;
    workflow.now += 1;

    expect(before).to.equal('RUNNING');
    expect(why(workflow)).to.deep.equal({
      code: 'RUNNING_SILENT',
      step: 'a',
      params: { node: 'node here', attempt: 1, since },
      until: at(workflow, 5_000),
    });
  });

  it('is RUNNING_SILENT a minute after a heartbeat that nobody asked for', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.begin('a');
    workflow.progress('a', {});
    workflow.now += 60_000;

    const silent = why(workflow);

    expect(silent).to.include({ code: 'RUNNING_SILENT' });
    expect(silent).not.to.have.property('until');
  });

  it('is WAITING_FOR_RETRY with what went wrong, and until when, for the one that is due first', () => {
    const workflow = DrivenWorkflow.started(
      graph({
        late: { retry: { maxAttempts: 9, initialIntervalMs: 9000 } },
        soon: { retry: { maxAttempts: 3, initialIntervalMs: 2000 } },
      }),
    );
    workflow.fail('late');
    workflow.fail('soon', { message: 'no bank' });

    expect(why(workflow)).to.deep.equal({
      code: 'WAITING_FOR_RETRY',
      step: 'soon',
      params: { attempt: 1, max: 3, error: 'no bank' },
      until: at(workflow, 2000),
    });
  });

  it('counts the attempts of a policy anew once it was retried', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));
    workflow.fail('a');
    workflow.pass(1000);
    workflow.fail('a');
    workflow.retry();
    workflow.fail('a', { message: 'x'.repeat(5000) });

    const waits = why(workflow);

    expect(waits?.params).to.include({ attempt: 1, max: 2 });
    expect(waits?.params['error']).to.have.length(200);
  });

  it('is what somebody has to see to first, then what runs, then what waits', () => {
    const workflow = new DrivenWorkflow(
      graph({
        starts: [],
        waits: { retry: { maxAttempts: 2 } },
        runs: [],
        orphan: [],
        next: ['runs'],
      }),
    );
    workflow.place = (queue) => (queue === 'orphan' ? anyNode : 'here');
    workflow.start();
    const seen = [why(workflow)?.code];
    workflow.fail('waits');
    seen.push(why(workflow)?.code);
    workflow.begin('runs');
    seen.push(why(workflow)?.code, why(workflow, 'orphan')?.code);

    expect(seen).to.deep.equal(['STARTING', 'WAITING_FOR_RETRY', 'RUNNING', 'NO_NODE_OFFERS_TYPE']);
  });

  it('is nothing once it has ended, and comes back when it is retried', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.fail('a');
    const ended = why(workflow);
    workflow.retry();

    expect(ended).to.equal(null);
    expect(why(workflow)?.code).to.equal('STARTING');
  });

  it('is part of the view for who knows the cluster, and of no other', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    const around = { now: workflow.now, offers: () => true, nodeName: String };

    expect(workflowView(workflow.plan, workflow.state, around).why).to.include({ step: 'a' });
    expect(workflowView(workflow.plan, workflow.state)).not.to.have.property('why');
  });
});
