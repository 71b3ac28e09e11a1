import { expect } from 'chai';

import { decideWorkflow } from '#actors/workflow.ts';

import { DrivenWorkflow } from '../support/driven-workflow.ts';
import { graph } from '../support/graphs.ts';

const context = { now: 1, random: () => 0, place: () => 'here' };

describe('starting a workflow', () => {
  it('replies with its id once it is accepted', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));

    const reply = workflow.start();

    expect(reply).to.deep.equal({ ok: true, value: { workflow_id: 'wf-1', existing: false } });
  });

  it('by the same message again is the same start', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));
    workflow.start({ id: 'request-7' });

    const reply = workflow.start({ id: 'request-7' });

    expect(reply).to.deep.equal({ ok: true, value: { workflow_id: 'wf-1', existing: true } });
    expect(workflow.executed).to.have.length(1);
  });

  it('by the same message again is the same start when it has ended, too', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));
    workflow.complete('a');

    const reply = workflow.start();

    expect(reply).to.deep.equal({ ok: true, value: { workflow_id: 'wf-1', existing: true } });
    expect(workflow.state.status).to.equal('completed');
  });

  it('under an id that exists is refused', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }), { first: true });

    const reply = workflow.start({ id: 'another', input: { second: true } });

    expect(reply).to.include({ ok: false, code: 'ALREADY_EXISTS' });
    expect(workflow.state.input).to.deep.equal({ first: true });
  });

  it('under an id that exists gives that one when the caller wants so', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));

    const reply = workflow.start({ id: 'another', onConflict: 'useExisting' });

    expect(reply).to.deep.include({ ok: true, value: { workflow_id: 'wf-1', existing: true } });
    expect(workflow.executed).to.have.length(1);
  });

  it('of a definition that nobody knows is refused, and leaves nothing behind', () => {
    const turn = decideWorkflow(
      null,
      null,
      {
        id: 'start',
        to: 'wf-1',
        replyTo: { node: 'asker', call: 'c' },
        command: {
          type: 'workflow.start',
          name: 'ghost',
          version: '1',
          input: {},
          timeoutMs: null,
          onConflict: 'fail',
        },
      },
      context,
    );

    expect(turn.state).to.equal(null);
    expect(turn.events).to.deep.equal([]);
    expect(turn.effects).to.have.length(1);
    expect(turn.effects[0]).to.have.nested.property('reply.code', 'UNKNOWN_DEFINITION');
  });

  it('replies by an effect alone, and not when nobody waits', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));
    const { name, version } = workflow.plan.graph;

    const { effects } = workflow.send({
      type: 'workflow.start',
      name,
      version,
      input: {},
      timeoutMs: null,
      onConflict: 'fail',
    });

    expect(effects.map((effect) => effect.type)).to.deep.equal(['execute']);
  });
});

describe('a workflow that does not exist', () => {
  for (const command of [
    { type: 'workflow.cancel', reason: '' },
    { type: 'wake' },
    { type: 'task.lost', step: 0, attempt: 1, delivery: 1 },
  ] as const) {
    it(`is not brought into being by ${command.type}`, () => {
      const workflow = new DrivenWorkflow(graph({ a: [] }));

      const reply = workflow.call(command);

      expect(reply).to.include({ ok: false, code: 'NOT_FOUND' });
      expect(workflow.journal).to.deep.equal([]);
    });
  }
});

describe('a workflow', () => {
  it('refuses messages that are meant for actors', () => {
    const workflow = DrivenWorkflow.started(graph({ a: [] }));

    const { effects } = decideWorkflow(
      workflow.plan,
      workflow.state,
      {
        id: 'm',
        to: 'wf-1',
        command: { type: 'actor.resume' },
        replyTo: { node: 'n', call: 'c' },
      },
      context,
    );

    expect(effects[0]).to.have.nested.property('reply.code', 'INTERNAL');
  });
});
