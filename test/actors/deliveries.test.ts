import { expect } from 'chai';

import { workflowWorkOut } from '#actors/workflow-work.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

describe('work whose node died', () => {
  it('is handed out again, as the same attempt', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.begin('a');

    workflow.lose('a');

    expect(workflow.executed.map(({ attempt, delivery }) => ({ attempt, delivery }))).to.deep.equal(
      [
        { attempt: 1, delivery: 1 },
        { attempt: 1, delivery: 2 },
      ],
    );
    expect(workflow.task('a')).to.include({ status: 'pending', deaths: 1 });
  });

  it('is poison after three nodes: it fails for good, and says so', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 9 } } }));

    for (const _ of [1, 2, 3]) workflow.lose('a');

    expect(workflow.executed).to.have.length(3);
    expect(workflow.task('a').failure).to.include({
      kind: 'poisoned',
      name: 'PoisonedTaskError',
      retryable: false,
    });
    expect(workflow.state.status).to.equal('failed');
  });

  it('counts the deaths of one attempt, not those of the ones before', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));
    workflow.lose('a');
    workflow.lose('a');

    workflow.fail('a');
    workflow.pass(1000);
    workflow.lose('a');

    expect(workflow.task('a')).to.include({ attempt: 2, delivery: 2, deaths: 1 });
  });

  it('is not handed out once more when its loss is reported twice', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    const loss = { type: 'task.lost', step: 0, attempt: 1, delivery: 1 } as const;

    workflow.send(loss);
    const { events } = workflow.send(loss);

    expect(events).to.deep.equal([]);
    expect(workflow.executed).to.have.length(2);
  });

  it('may end by the hand of the node that was thought dead', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.lose('a');

    workflow.end('a', { status: 'completed', output: { by: 'the first' } }, { delivery: 1 });

    expect(workflow.task('a').output).to.deep.equal({ by: 'the first' });
    expect(workflow.state.status).to.equal('completed');
  });
});

describe('work that is handed back', () => {
  it('is handed out again without penalty, however often', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));

    for (const _ of [1, 2, 3, 4, 5]) workflow.release('a');

    expect(workflow.task('a')).to.include({ attempt: 1, delivery: 6, deaths: 0 });
    expect(workflow.state.status).to.equal('running');
  });

  it('is handed out once when the same hand-out is given back twice', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.release('a');

    const { events } = workflow.end(
      'a',
      { status: 'released', reason: 'the node drains' },
      { delivery: 1 },
    );

    expect(events).to.deep.equal([]);
    expect(workflow.executed).to.have.length(2);
  });

  it('goes where it is placed then', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.place = () => 'queue';

    workflow.release('a');

    expect(workflow.effects.at(-1)).to.include({ type: 'execute', where: 'queue' });
  });

  it('is not reported as begun by the node that had it before', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.release('a');

    const { events } = workflow.send({
      type: 'task.started',
      step: 0,
      attempt: 1,
      delivery: 1,
      node: 'there',
      at: workflow.now,
    });

    expect(events).to.deep.equal([]);
  });
});

describe('a message that comes twice, late or astray', () => {
  it('changes nothing: a result of an attempt that has ended', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'] }));
    workflow.complete('a', { first: true });

    const { events, effects } = workflow.end('a', { status: 'completed', output: {} });

    expect(events).to.deep.equal([]);
    expect(effects).to.deep.equal([]);
    expect(workflow.task('a').output).to.deep.equal({ first: true });
  });

  it('changes nothing: a result of an attempt before the one that is out', () => {
    const workflow = DrivenWorkflow.started(graph({ a: { retry: { maxAttempts: 2 } } }));
    workflow.fail('a');
    workflow.pass(1000);

    const { events } = workflow.end('a', { status: 'completed', output: {} }, { attempt: 1 });

    expect(events).to.deep.equal([]);
    expect(workflow.task('a')).to.include({ status: 'pending', attempt: 2 });
  });

  it('changes nothing: a result of a step that was not handed out, or that is none', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [], b: ['a'] }));
    const result = {
      type: 'task.ended',
      attempt: 0,
      node: 'here',
      startedAt: null,
      outcome: { status: 'completed', output: {} },
    } as const;

    const { events } = workflow.send({ ...result, step: 1 });
    const { events: more } = workflow.send({ ...result, step: 99 });

    expect([...events, ...more]).to.deep.equal([]);
  });

  it('changes nothing: a second report that it has begun', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.begin('a');
    workflow.now += 1000;
    const events = workflow.journal.length;

    workflow.begin('a');

    expect(workflow.journal).to.have.length(events);
  });

  it('fails the attempt when it is the outcome of a turn', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));

    workflow.end('a', { status: 'turned', state: null, replies: [] });

    expect(workflow.state.failure).to.include({ kind: 'invalid', step: 'a' });
  });
});

describe('the work that is out', () => {
  it('is that of every task handed out and not ended, as it was handed out', () => {
    const workflow = DrivenWorkflow.started(
      graph({ a: [], b: [], c: { retry: { maxAttempts: 2 } }, d: ['a'] }),
    );
    workflow.begin('b');
    workflow.fail('c');
    workflow.complete('a', { a: 1 });

    const out = workflowWorkOut(workflow.plan, workflow.state);

    const given = workflow.executed.filter(({ task }) => task === 1 || task === 3);
    expect(out).to.deep.equal(given.map((work) => ({ work, where: 'here' })));
  });
});
