import { expect } from 'chai';
import * as fc from 'fast-check';

import { limits } from '#actors/message.ts';
import { decideUserActor, userActorWorkOut } from '#actors/user-actor.ts';

import { DrivenActor } from '../support/driven-actor.ts';
import { failureLike } from '../support/driven-workflow.ts';

const broken = failureLike({ message: 'it broke' });

describe('an actor of the user', () => {
  it('has one turn at a time; what comes meanwhile waits for the next (A1)', () => {
    const actor = new DrivenActor();
    actor.tell('m1', 'm2', 'm3');
    const before = [...actor.turns];

    actor.answer({ sum: 1 });

    expect(before).to.deep.equal([['m1']]);
    expect(actor.turns).to.deep.equal([['m1'], ['m2', 'm3']]);
    expect(actor.given().state).to.deep.equal({ sum: 1 });
  });

  it('begins with no state, so that the definition gives the first', () => {
    const actor = new DrivenActor();

    actor.tell('m1');

    expect(actor.given().state).to.equal(null);
  });

  it('takes at most so many messages in a turn', () => {
    const actor = new DrivenActor();
    actor.tell('first');
    for (let index = 0; index < limits.turnMessages + 5; index += 1) actor.tell(`m${index}`);

    actor.answer(null);

    expect(actor.given().messages).to.have.length(limits.turnMessages);
  });

  it('applies messages in the order in which they came (A2)', () => {
    const actor = new DrivenActor();
    actor.tell('m1', 'm2', 'm3', 'm4');
    actor.answer(null);

    actor.answer(null);

    expect(actor.turns.flat()).to.deep.equal(['m1', 'm2', 'm3', 'm4']);
  });

  it('answers a tell when it is taken in, and an ask when it was applied', () => {
    const actor = new DrivenActor();

    actor.tell('told');
    actor.ask('asked');
    const early = [actor.replies('told'), actor.replies('asked')];
    actor.answer(null);
    actor.answer(null, { asked: 42 });

    expect(early).to.deep.equal([[{ ok: true, value: null }], []]);
    expect(actor.replies('told')).to.have.length(1);
    expect(actor.replies('asked')).to.deep.equal([{ ok: true, value: 42 }]);
  });

  it('applies a message once that comes again while it waits (A2)', () => {
    const actor = new DrivenActor();
    actor.tell('m1', 'm2', 'm2', 'm1');

    actor.answer(null);
    actor.answer(null);

    expect(actor.turns).to.deep.equal([['m1'], ['m2']]);
    expect(actor.replies('m2')).to.have.length(2);
  });

  it('answers a message that comes again after it was applied as before (A2)', () => {
    const actor = new DrivenActor();
    actor.ask('m1');
    actor.answer(null, { m1: 42 });

    actor.ask('m1');

    expect(actor.replies('m1')).to.deep.equal([
      { ok: true, value: 42 },
      { ok: true, value: 42 },
    ]);
    expect(actor.turns).to.deep.equal([['m1']]);
  });

  it('answers a tell that comes again with yes, however it was applied', () => {
    const actor = new DrivenActor();
    actor.tell('m1');
    actor.answer(null, { m1: broken });

    actor.tell('m1');

    expect(actor.replies('m1').at(-1)).to.deep.equal({ ok: true, value: null });
  });

  it('answers where an ask that waits was asked last', () => {
    const actor = new DrivenActor();
    actor.message('m1', { ask: true, call: 'from a node that died' });
    actor.message('m1', { ask: true, call: 'again' });

    actor.answer(null, { m1: 42 });

    expect(actor.replies('again')).to.deep.equal([{ ok: true, value: 42 }]);
    expect(actor.replies('from a node that died')).to.deep.equal([]);
  });

  it('remembers that a message was applied whose reply is too large to keep', () => {
    const actor = new DrivenActor();
    actor.ask('m1');
    actor.answer(null, { m1: 'x'.repeat(5000) });

    actor.ask('m1');

    expect(actor.replies('m1').at(-1)).to.include({ ok: false, code: 'ALREADY_APPLIED' });
  });

  it('keeps the state of the others when one message of a turn throws (A3)', () => {
    const actor = new DrivenActor();
    actor.ask('m1', 'm2', 'm3');
    actor.answer(null);

    actor.answer({ sum: 3 }, { m2: broken });

    expect(actor.state.value).to.deep.equal({ sum: 3 });
    expect(actor.replies('m2')).to.deep.equal([
      { ok: false, code: 'ACTOR_FAILED', message: 'it broke', failure: broken },
    ]);
    expect(actor.replies('m3')).to.deep.equal([{ ok: true, value: 'm3' }]);
  });

  it('finds the message that takes its thread down by running each alone, and drops it (A4)', () => {
    const actor = new DrivenActor();
    actor.tell('m0');
    actor.ask('m1', 'bomb', 'm3');
    actor.answer(null);

    actor.crash();
    actor.answer({ after: 'm1' });
    actor.crash();
    actor.answer({ after: 'm3' });

    expect(actor.turns).to.deep.equal([['m0'], ['m1', 'bomb', 'm3'], ['m1'], ['bomb'], ['m3']]);
    expect(actor.replies('bomb')).to.have.length(1);
    expect(actor.replies('bomb')[0]).to.include({ ok: false, code: 'ACTOR_FAILED' });
    expect(actor.replies('m3')).to.deep.equal([{ ok: true, value: 'm3' }]);
    expect(actor.state.value).to.deep.equal({ after: 'm3' });
  });

  it('takes many at a time again once the suspects are through', () => {
    const actor = new DrivenActor();
    actor.tell('m0', 'm1', 'm2');
    actor.answer(null);
    actor.crash();
    actor.tell('m3', 'm4');
    actor.answer(null);

    actor.answer(null);

    expect(actor.turns.slice(2)).to.deep.equal([['m1'], ['m2'], ['m3', 'm4']]);
  });

  it('goes on with the rest when a turn applied only the first of its messages', () => {
    const actor = new DrivenActor();
    actor.tell('m0', 'm1', 'm2', 'm3');
    actor.answer(null);

    actor.end({ status: 'turned', state: 1, replies: [{ id: 'm1', ok: true, value: null }] });

    expect(actor.turns.slice(1)).to.deep.equal([
      ['m1', 'm2', 'm3'],
      ['m2', 'm3'],
    ]);
  });

  it('does not believe a turn that answers other messages than it was given', () => {
    const actor = new DrivenActor();
    actor.ask('m1');

    actor.end({ status: 'turned', state: 1, replies: [{ id: 'm2', ok: true, value: null }] });

    expect(actor.state.value).to.equal(null);
    expect(actor.replies('m1')[0]).to.include({ ok: false, code: 'ACTOR_FAILED' });
  });

  it('refuses a message when as many wait as may, and leaves those alone', () => {
    const actor = new DrivenActor();
    const waiting = Array.from({ length: limits.actorMailbox }, (_, index) => `m${index}`);
    const decide = (id: string): string =>
      decideUserActor(
        actor.policy,
        state,
        {
          id,
          to: actor.id,
          command: {
            type: 'actor.message',
            name: 'cart',
            key: '7',
            on: 'add',
            payload: null,
            ask: false,
          },
          replyTo: { node: 'asker', call: id },
        },
        { now: 1, random: () => 0, place: () => 'here' },
      )
        .effects.map((effect) =>
          effect.type === 'reply' && !effect.reply.ok ? effect.reply.code : '',
        )
        .join('');
    actor.tell('first');
    const { state } = actor;
    state.waiting = waiting.map((id) => ({ id, on: 'add', payload: null, replyTo: null }));

    expect(decide('one too many')).to.equal('ACTOR_MAILBOX_FULL');
    expect(state.waiting).to.have.length(limits.actorMailbox);
  });
});

describe('a turn', () => {
  it('that does not end in time is stopped, and its only message dropped', () => {
    const actor = new DrivenActor({ turnTimeoutMs: 100 });
    actor.ask('m1');
    const due = actor.dueAt();

    actor.now += 100;
    actor.send({ type: 'wake' });
    expect(actor.state.turn, 'it may still wait for a thread').not.to.equal(null);
    actor.now += limits.turnWaitMs;
    actor.send({ type: 'wake' });

    expect(due).to.equal(actor.now);
    expect(actor.effects.find((effect) => effect.type === 'abort')).to.include({ where: 'here' });
    expect(actor.replies('m1')[0]).to.have.nested.property('failure.name', 'TurnTimeout');
    expect(actor.state.turn).to.equal(null);
  });

  it('is handed out again when its node dies, and is poison after three', () => {
    const actor = new DrivenActor();
    actor.ask('m1');

    for (const _ of [1, 2, 3]) actor.lose();

    expect(actor.executed.map(({ task, delivery }) => [task, delivery])).to.deep.equal([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    expect(actor.replies('m1')[0]).to.have.nested.property('failure.kind', 'poisoned');
  });

  it('is handed out again without penalty when it is handed back, once per hand-out', () => {
    const actor = new DrivenActor();
    actor.tell('m1');
    const released = { status: 'released', reason: 'the node drains' } as const;

    actor.end(released, { delivery: 1 });
    actor.end(released, { delivery: 1 });

    expect(actor.executed.map(({ delivery }) => delivery)).to.deep.equal([1, 2]);
    expect(actor.state.failures).to.deep.equal([]);
  });

  it('that has ended already changes nothing when it ends again', () => {
    const actor = new DrivenActor();
    actor.tell('m1');
    actor.answer({ sum: 1 });
    const events = actor.journal.length;

    actor.end({ status: 'turned', state: { sum: 2 }, replies: [] }, { turn: 1 });
    actor.send({ type: 'turn.lost', turn: 1, delivery: 1 });

    expect(actor.journal).to.have.length(events);
    expect(actor.state.value).to.deep.equal({ sum: 1 });
  });

  it('is the work that is out until it ends', () => {
    const actor = new DrivenActor();
    actor.tell('m1', 'm2');

    const out = userActorWorkOut(actor.state);

    expect(out).to.deep.equal([{ work: actor.executed[0], where: 'here' }]);
    actor.answer(null);
    actor.answer(null);
    expect(userActorWorkOut(actor.state)).to.deep.equal([]);
  });
});

describe('quarantine', () => {
  it('puts an actor aside that fails too often in too short a time (A5)', () => {
    const actor = new DrivenActor({ restart: { maxFailures: 2, withinMs: 1000 } });

    for (const id of ['m1', 'm2', 'm3']) {
      actor.ask(id);
      actor.answer(null, { [id]: broken });
    }
    actor.ask('m4');

    expect(actor.state.status).to.equal('quarantined');
    expect(actor.replies('m4')[0]).to.include({ ok: false, code: 'ACTOR_QUARANTINED' });
    expect(actor.turns).to.have.length(3);
  });

  it('does not count failures that are long past, and does not keep them (A5)', () => {
    const actor = new DrivenActor({ restart: { maxFailures: 2, withinMs: 1000 } });

    for (let index = 0; index < 50; index += 1) {
      actor.ask(`m${index}`);
      actor.answer(null, { [`m${index}`]: broken });
      actor.now += 600;
    }

    expect(actor.state.status).to.equal('active');
    expect(actor.state.failures.length).to.be.below(4);
  });

  it('refuses the asks that wait, for good, and keeps the tells for later (A5)', () => {
    const actor = new DrivenActor({ restart: { maxFailures: 0, withinMs: 1000 } });
    actor.tell('bomb');
    actor.ask('asked');
    actor.tell('told');
    actor.answer(null, { bomb: broken });
    const refused = actor.replies('asked');

    actor.resume();
    actor.answer(null);

    expect(refused[0]).to.include({ ok: false, code: 'ACTOR_QUARANTINED' });
    expect(actor.turns).to.deep.equal([['bomb'], ['told']]);
    expect(actor.replies('asked')).to.have.length(1);
  });

  it('still finds the bomb among the messages it keeps', () => {
    const actor = new DrivenActor({ restart: { maxFailures: 0, withinMs: 1000 } });
    actor.tell('m0', 'm1');
    actor.ask('asked');
    actor.tell('bomb');
    actor.answer(null);
    actor.crash();

    actor.resume();
    actor.answer(null);

    expect(actor.turns.slice(2)).to.deep.equal([['m1'], ['bomb']]);
  });

  it('ends by resuming: the state is as before, and failures count from nothing', () => {
    const actor = new DrivenActor({ restart: { maxFailures: 1, withinMs: 1000 } });
    actor.tell('m1');
    actor.answer({ kept: true });
    for (const id of ['m2', 'm3']) {
      actor.tell(id);
      actor.answer({ kept: true }, { [id]: broken });
    }

    actor.resume();
    actor.ask('m4');
    actor.answer({ kept: true }, { m4: broken });

    expect(actor.state).to.deep.include({ status: 'active', value: { kept: true } });
    expect(actor.replies('m4')[0]).to.include({ code: 'ACTOR_FAILED' });
  });

  it('is not ended by a message that comes again', () => {
    const actor = new DrivenActor({ restart: { maxFailures: 0, withinMs: 1000 } });
    actor.ask('m1');
    actor.answer(null, { m1: broken });

    actor.ask('m1');

    expect(actor.replies('m1')).to.have.length(2);
    expect(actor.replies('m1')[1]).to.include({ code: 'ACTOR_FAILED' });
    expect(actor.state.status).to.equal('quarantined');
  });
});

describe('any course of an actor of the user', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ type: fc.constantFrom('tell' as const, 'ask' as const), id: fc.nat(12) }),
      fc.record({
        type: fc.constantFrom(
          'answer' as const,
          'partly' as const,
          'failing' as const,
          'crash' as const,
          'lose' as const,
          'release' as const,
          'resume' as const,
        ),
        id: fc.nat(3),
      }),
      fc.record({ type: fc.constant('pass' as const), id: fc.nat(40_000) }),
    ),
    { maxLength: 80 },
  );

  it('applies each message at most once, in order, and answers each ask at most once per call', () => {
    fc.assert(
      fc.property(steps, (course) => {
        const actor = new DrivenActor({ restart: { maxFailures: 2, withinMs: 30_000 } });
        const calls: string[] = [];
        for (const [index, { type, id }] of course.entries()) {
          if (type === 'tell') actor.message(`m${id}`, { call: `${index}` });
          else if (type === 'ask') {
            actor.message(`m${id}`, { ask: true, call: `${index}` });
            calls.push(`${index}`);
          } else if (type === 'pass') {
            actor.now += id;
            if (actor.journal.length > 0) actor.send({ type: 'wake' });
          } else if (type === 'resume') {
            if (actor.journal.length > 0) actor.resume();
          } else if (actor.journal.length > 0 && actor.state.turn !== null) {
            const [first] = actor.given().messages;
            if (type === 'answer') actor.answer(index);
            else if (type === 'partly') {
              const replies =
                first === undefined ? [] : [{ id: first.id, ok: true as const, value: null }];
              actor.end({ status: 'turned', state: index, replies });
            } else if (type === 'failing') actor.answer(index, { [first?.id ?? '']: broken });
            else if (type === 'crash') actor.crash();
            else if (type === 'lose') actor.lose();
            else actor.end({ status: 'released', reason: '' });
          }
        }

        const applied = actor.journal.flatMap((event) =>
          event.type === 'turn.completed'
            ? event.replies.map((reply) => reply.id)
            : event.type === 'turn.failed' && event.dropped !== null
              ? [event.dropped]
              : [],
        );
        const received = actor.journal.flatMap((event) =>
          event.type === 'actor.received' ? [event.message.id] : [],
        );
        expect(applied).to.deep.equal([...new Set(applied)]);
        expect(received.filter((id) => applied.includes(id)).filter(isNewest)).to.deep.equal(
          applied,
        );
        for (const call of calls) expect(actor.replies(call).length).to.be.at.most(1);
        const due = actor.journal.length === 0 ? null : actor.state;
        if (due?.status === 'active') expect(due.turn === null).to.equal(due.waiting.length === 0);
      }),
      { numRuns: 300 },
    );
  });
});

/** An ask that was refused may be sent again, and is a new message then. */
function isNewest(id: string, index: number, ids: readonly string[]): boolean {
  return ids.lastIndexOf(id) === index;
}
