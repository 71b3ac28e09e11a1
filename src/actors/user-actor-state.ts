import assert from 'node:assert';

import type { Failure } from './failure.ts';
import type { Json } from './json.ts';
import type { Reply } from './message.ts';
import { limits } from './message.ts';
import type { UserActorEvent, WaitingMessage } from './user-actor-events.ts';
import { refused, replyOf } from './user-actor-replies.ts';

/** The messages that an actor of the user's own keeps until a turn has taken them, and the state that the turns leave. */
export interface UserActorState {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  status: 'active' | 'quarantined';
  /** null until the first turn has ended: the handlers begin with the definition's initial state. */
  value: Json | null;
  waiting: WaitingMessage[];
  turn: Turn | null;
  /** Turns so far; the number of the next one follows. */
  turns: number;
  /** Ids and replies of the newest messages, oldest first, to drop repeats. */
  applied: { readonly id: string; readonly reply: Reply }[];
  /** Messages of a turn that took its thread down, still to be tried one by one (A4). */
  suspects: number;
  /** Times of the failures within the restart window. */
  failures: number[];
  quarantine: Failure | null;
  readonly createdAt: number;
  updatedAt: number;
}

/** The turn that is out. */
export interface Turn {
  readonly number: number;
  readonly size: number;
  delivery: number;
  deaths: number;
  where: string;
  scheduledAt: number;
}

/** A reply larger than this is not remembered for repeats: the repeat is told that the message was applied. */
const rememberedReplyLength = 2_048;

export function evolveUserActor(
  state: UserActorState | null,
  event: UserActorEvent,
  id: string,
): UserActorState {
  if (event.type === 'actor.created') {
    return {
      id,
      name: event.name,
      key: event.key,
      status: 'active',
      value: null,
      waiting: [],
      turn: null,
      turns: 0,
      applied: [],
      suspects: 0,
      failures: [],
      quarantine: null,
      createdAt: event.at,
      updatedAt: event.at,
    };
  }
  assert(state !== null, 'an actor is created before anything else happens to it');
  state.updatedAt = event.at;
  switch (event.type) {
    case 'actor.received':
      state.waiting.push(event.message);
      return state;
    case 'actor.readdressed':
      state.waiting = state.waiting.map((waiting) =>
        waiting.id === event.message ? { ...waiting, replyTo: event.replyTo } : waiting,
      );
      return state;
    case 'turn.scheduled': {
      const again = state.turn?.number === event.turn ? state.turn : null;
      state.turn = {
        number: event.turn,
        size: event.size,
        delivery: event.delivery,
        deaths: (again?.deaths ?? 0) + (event.lost ? 1 : 0),
        where: event.where,
        scheduledAt: event.at,
      };
      state.turns = event.turn;
      return state;
    }
    case 'turn.completed': {
      assert(state.turn?.number === event.turn, 'A1: only the turn that is out can end');
      state.waiting.splice(0, event.replies.length);
      state.suspects = Math.max(0, state.suspects - event.replies.length);
      state.failures = state.failures.filter((at) => at > event.forgetUntil);
      for (const reply of event.replies) {
        remember(state, reply.id, replyOf(reply));
        if (!reply.ok) state.failures.push(event.at);
      }
      state.value = event.value;
      state.turn = null;
      return state;
    }
    case 'turn.failed': {
      assert(state.turn?.number === event.turn, 'A1: only the turn that is out can end');
      if (state.turn.size > 1) state.suspects = state.turn.size;
      state.turn = null;
      state.failures = state.failures.filter((at) => at > event.forgetUntil);
      state.failures.push(event.at);
      if (event.dropped !== null) {
        state.suspects = Math.max(0, state.suspects - 1);
        state.waiting.shift();
        remember(state, event.dropped, refused(event.failure));
      }
      return state;
    }
    case 'actor.quarantined': {
      state.status = 'quarantined';
      state.quarantine = event.failure;
      // Whoever asked is told no, and is not to find later that it was done. A tell was promised to be kept.
      const suspects = state.waiting.slice(0, state.suspects).filter(isKept).length;
      state.waiting = state.waiting.filter(isKept);
      state.suspects = suspects;
      return state;
    }
    case 'actor.resumed':
      state.status = 'active';
      state.quarantine = null;
      state.failures = [];
      return state;
  }
}

function isKept(message: WaitingMessage): boolean {
  return message.replyTo === null;
}

function remember(state: UserActorState, id: string, reply: Reply): void {
  const small = JSON.stringify(reply).length <= rememberedReplyLength;
  state.applied.push({
    id,
    reply: small
      ? reply
      : { ok: false, code: 'ALREADY_APPLIED', message: 'this message was applied before' },
  });
  if (state.applied.length > limits.remembered) state.applied.shift();
}
