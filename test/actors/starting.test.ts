import { expect } from 'chai';

import { readWorkflowState } from '#actors/workflow-state.ts';
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

  const request = { id: 'request-7', input: { a: { x: 1, y: 2 } }, tags: { customer: 'acme' } };
  for (const [what, other] of Object.entries({
    'another definition': { name: 'other' },
    'another input': { input: { a: { x: 1, y: 3 } } },
    'other tags': { tags: { customer: 'ajax' } },
    'fewer tags': { tags: {} },
  })) {
    it(`by the same message with ${what} is refused, saying so, also when it has ended`, () => {
      const workflow = new DrivenWorkflow(graph({ a: [] }));
      workflow.start(request);

      const running = workflow.start({ ...request, ...other });
      const existing = workflow.start({ ...request, ...other, onConflict: 'useExisting' });
      workflow.complete('a');
      const ended = workflow.start({ ...request, ...other });

      expect(running).to.include({ ok: false, code: 'IDEMPOTENCY_MISMATCH' });
      expect(running)
        .to.have.property('message')
        .that.matches(new RegExp(what.replace('fewer', 'other')));
      expect([existing, ended]).to.deep.equal([running, running]);
    });
  }

  it('by the same message in another order of keys, or as a schema has made it since, is the same start', () => {
    const workflow = new DrivenWorkflow(graph({ a: [] }));
    const other = new DrivenWorkflow(graph({ a: [] }));
    workflow.start({ ...request, tags: { a: '1', b: '2' } });
    other.start({ input: { at: 1 }, inputDigest: 'as given' });

    const ordered = workflow.start({
      ...request,
      tags: { b: '2', a: '1' },
      input: { a: { y: 2, x: 1 } },
    });
    const made = other.start({ input: { at: 2 }, inputDigest: 'as given' });
    const unlike = other.start({ input: { at: 1 }, inputDigest: 'as given now' });

    expect([ordered, made].map((reply) => reply?.ok)).to.deep.equal([true, true]);
    expect(unlike).to.include({ code: 'IDEMPOTENCY_MISMATCH' });
  });

  it('by the same message is the same start when only one of the two knows a schema', () => {
    const before = new DrivenWorkflow(graph({ a: [] }));
    const after = new DrivenWorkflow(graph({ a: [] }));
    before.start({ input: { at: 1 } });
    after.start({ input: { at: 1, more: true }, inputDigest: 'x' });

    expect(before.start({ input: { at: 1, more: true }, inputDigest: 'x' })?.ok).to.equal(true);
    expect(after.start({ input: { at: 1 } })?.ok).to.equal(true);
  });

  it('keeps its tags, and has none when none are given or it is of a time without', () => {
    const tagged = new DrivenWorkflow(graph({ a: [] }));
    tagged.start({ tags: { customer: 'acme' } });
    const plain = DrivenWorkflow.started(graph({ a: [] }));
    const { tags: _, inputDigest: __, ...old } = plain.state;

    expect(tagged.state.tags).to.deep.equal({ customer: 'acme' });
    expect(plain.state.tags).to.deep.equal({});
    expect(plain.journal[0]).not.to.have.any.keys('tags', 'inputDigest');
    expect(readWorkflowState(JSON.stringify(old))).to.deep.equal(plain.state);
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
