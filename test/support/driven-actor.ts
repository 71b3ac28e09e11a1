import { isDeepStrictEqual } from 'node:util';

import { expect } from 'chai';

import type { Failure } from '#actors/failure.ts';
import type { Json } from '#actors/json.ts';
import type { ActorCommand, Effect, Reply, ReplyAddress } from '#actors/message.ts';
import type { UserActorEvent } from '#actors/user-actor-events.ts';
import type { UserActorState } from '#actors/user-actor-state.ts';
import { evolveUserActor } from '#actors/user-actor-state.ts';
import type { UserActorPolicy } from '#actors/user-actor.ts';
import { decideUserActor, userActorDueAt } from '#actors/user-actor.ts';
import type { Outcome, TurnJob, TurnReply, Work } from '#actors/work.ts';

import { failureLike } from './driven-workflow.ts';

/** An actor of the user's own in the hands of a test, which is its clock, its workers and its journal. */
export class DrivenActor {
  readonly id = 'cart/7';
  readonly policy: UserActorPolicy;
  readonly journal: UserActorEvent[] = [];
  readonly effects: Effect[] = [];
  now = 1_700_000_000_000;
  #state: UserActorState | null = null;
  #folded: UserActorState | null = null;

  constructor(policy: Partial<UserActorPolicy> = {}) {
    this.policy = {
      restart: { maxFailures: 3, withinMs: 60_000 },
      turnTimeoutMs: 30_000,
      ...policy,
    };
  }

  get state(): UserActorState {
    if (this.#state === null) throw new Error('the actor has had no message');
    return this.#state;
  }

  send(
    command: ActorCommand,
    { id = 'm', replyTo }: { id?: string; replyTo?: ReplyAddress } = {},
  ): { readonly events: readonly UserActorEvent[]; readonly effects: readonly Effect[] } {
    const turn = decideUserActor(
      this.policy,
      this.#state,
      { id, to: this.id, command, ...(replyTo === undefined ? {} : { replyTo }) },
      { now: this.now, random: () => 0, place: () => 'here' },
    );
    this.#state = turn.state;
    this.journal.push(...turn.events);
    this.effects.push(...turn.effects);
    for (const event of turn.events) {
      const read: UserActorEvent = JSON.parse(JSON.stringify(event));
      this.#folded = evolveUserActor(this.#folded, read, this.id);
    }
    if (!isDeepStrictEqual(this.#folded, this.#state)) {
      expect(this.#folded, 'W2').to.deep.equal(this.#state);
    }
    return turn;
  }

  /** Sends a message; replies of an ask go to the call of the same id, unless it is asked from elsewhere. */
  message(id: string, { ask = false, call = id }: { ask?: boolean; call?: string } = {}): void {
    this.send(
      { type: 'actor.message', name: 'cart', key: '7', on: 'add', payload: id, ask },
      { id, replyTo: { node: 'asker', call } },
    );
  }

  tell(...ids: readonly string[]): void {
    for (const id of ids) this.message(id);
  }

  ask(...ids: readonly string[]): void {
    for (const id of ids) this.message(id, { ask: true });
  }

  /** Ends the turn that is out: each message as said, or answered with its own id. */
  answer(state: Json, answers: Readonly<Record<string, Json | Failure>> = {}): void {
    const replies = this.given().messages.map(({ id }): TurnReply => {
      const answer = answers[id] ?? id;
      return isFailure(answer)
        ? { id, ok: false, failure: answer }
        : { id, ok: true, value: answer };
    });
    this.end({ status: 'turned', state, replies });
  }

  /** The turn that is out takes its thread down. */
  crash(): void {
    const failure = failureLike({ kind: 'crashed', message: 'out of memory' });
    this.end({ status: 'failed', failure });
  }

  end(outcome: Outcome, { turn = this.state.turn?.number ?? 0, delivery = 0 } = {}): void {
    const which = delivery === 0 ? {} : { delivery };
    this.send({ type: 'turn.ended', turn, ...which, node: 'here', outcome });
  }

  lose(): void {
    const { turn } = this.state;
    if (turn === null) throw new Error('no turn is out');
    this.send({ type: 'turn.lost', turn: turn.number, delivery: turn.delivery });
  }

  resume(): void {
    this.send({ type: 'actor.resume' }, { id: 'resume' });
  }

  dueAt(): number | null {
    return userActorDueAt(this.policy, this.state);
  }

  get executed(): readonly Work[] {
    return this.effects.flatMap((effect) => (effect.type === 'execute' ? [effect.work] : []));
  }

  /** What the newest turn was given. */
  given(): TurnJob {
    const job = this.executed.at(-1)?.job;
    if (job?.kind !== 'turn') throw new Error('no turn was handed out');
    return job;
  }

  /** Ids of the messages of each hand-out. */
  get turns(): readonly (readonly string[])[] {
    return this.executed.map(({ job }) =>
      job.kind === 'turn' ? job.messages.map(({ id }) => id) : [],
    );
  }

  /** All replies that a call has had. */
  replies(call: string): readonly Reply[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'reply' && effect.to.call === call ? [effect.reply] : [],
    );
  }
}

function isFailure(answer: Json | Failure): answer is Failure {
  return answer !== null && typeof answer === 'object' && 'retryable' in answer;
}
