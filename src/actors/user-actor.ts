import assert from 'node:assert';

import type { RestartIntensity } from './definition.ts';
import { actorQueue } from './definition.ts';
import type { Failure } from './failure.ts';
import type { Json } from './json.ts';
import type {
  Command,
  Decision,
  DecisionContext,
  Effect,
  Envelope,
  Reply,
  ReplyAddress,
} from './message.ts';
import { limits } from './message.ts';
import type { ActorMessage, Outcome, TurnReply, Work } from './work.ts';

/**
 * An actor of the user's own: keeps messages until a turn has taken them, and the state that the turns leave.
 *
 * Its handlers run elsewhere, as work like any task; here is only the order of things. A1 one turn at a time; A2 messages
 * are applied in the order in which they were committed, each once; A3 a message that throws changes nothing but its own
 * reply; A4 a message that takes its thread down is found by running it alone, and then dropped; A5 too many failures in too
 * short a time put the actor in quarantine until somebody resumes it.
 */
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

export interface WaitingMessage extends ActorMessage {
  /** Where an ask is awaited. */
  readonly replyTo: ReplyAddress | null;
}

interface Turn {
  readonly number: number;
  readonly size: number;
  delivery: number;
  deaths: number;
  where: string;
  scheduledAt: number;
}

export type UserActorEvent =
  | {
      readonly type: 'actor.created';
      readonly at: number;
      readonly name: string;
      readonly key: string;
    }
  | { readonly type: 'actor.received'; readonly at: number; readonly message: WaitingMessage }
  /** An ask that is waiting was asked again: its reply is awaited somewhere else now. */
  | {
      readonly type: 'actor.readdressed';
      readonly at: number;
      readonly message: string;
      readonly replyTo: ReplyAddress;
    }
  | {
      readonly type: 'turn.scheduled';
      readonly at: number;
      readonly turn: number;
      readonly size: number;
      readonly delivery: number;
      readonly where: string;
      readonly lost?: true;
    }
  | {
      readonly type: 'turn.completed';
      readonly at: number;
      readonly turn: number;
      readonly value: Json;
      /** One for each message that the turn has applied: all that it was given, or the first of them. */
      readonly replies: readonly TurnReply[];
      /** Failures up to then do not count any more. */
      readonly forgetUntil: number;
    }
  | {
      readonly type: 'turn.failed';
      readonly at: number;
      readonly turn: number;
      readonly failure: Failure;
      /** The message that is given up, when it ran alone. */
      readonly dropped: string | null;
      readonly forgetUntil: number;
    }
  | { readonly type: 'actor.quarantined'; readonly at: number; readonly failure: Failure }
  | { readonly type: 'actor.resumed'; readonly at: number };

/** The parts of an actor definition that its owner decides by. */
export interface UserActorPolicy {
  readonly restart: RestartIntensity;
  readonly turnTimeoutMs: number;
}

export const defaultActorPolicy: UserActorPolicy = {
  restart: { maxFailures: 3, withinMs: 60_000 },
  turnTimeoutMs: 30_000,
};

/** A reply larger than this is not remembered for repeats: the repeat is told that the message was applied. */
const rememberedReplyLength = 2_048;

export interface UserActorTurn extends Decision<UserActorEvent> {
  readonly state: UserActorState | null;
}

export function decideUserActor(
  policy: UserActorPolicy,
  state: UserActorState | null,
  envelope: Pick<Envelope, 'id' | 'to' | 'command' | 'replyTo'>,
  context: DecisionContext,
): UserActorTurn {
  const decider = new Decider(policy, state, envelope, context);
  decider.handle(envelope.command);
  return decider;
}

export function userActorDueAt(policy: UserActorPolicy, state: UserActorState): number | null {
  return state.turn === null ? null : state.turn.scheduledAt + turnLimitMs(policy, state.turn);
}

/**
 * The thread ends a message that takes longer than `turnTimeoutMs`. This is for when it cannot (its code blocks it), and must
 * not hit a turn that only waits for a thread: what times out here loses its message.
 */
function turnLimitMs({ turnTimeoutMs }: UserActorPolicy, { size }: Turn): number {
  return turnTimeoutMs * size + limits.turnWaitMs;
}

export function userActorWorkOut(
  state: UserActorState,
): readonly { readonly work: Work; readonly where: string }[] {
  return state.turn === null ? [] : [{ work: workOf(state, state.turn), where: state.turn.where }];
}

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

class Decider implements UserActorTurn {
  readonly events: UserActorEvent[] = [];
  readonly effects: Effect[] = [];
  state: UserActorState | null;
  readonly #policy: UserActorPolicy;
  readonly #envelope: Pick<Envelope, 'id' | 'to' | 'replyTo'>;
  readonly #context: DecisionContext;

  constructor(
    policy: UserActorPolicy,
    state: UserActorState | null,
    envelope: Pick<Envelope, 'id' | 'to' | 'replyTo'>,
    context: DecisionContext,
  ) {
    this.#policy = policy;
    this.state = state;
    this.#envelope = envelope;
    this.#context = context;
  }

  handle(command: Command): void {
    if (command.type === 'actor.message') {
      this.#receive(command);
      return;
    }
    const { state } = this;
    if (state === null) {
      this.#reply({
        ok: false,
        code: 'NOT_FOUND',
        message: `actor not found: ${this.#envelope.to}`,
      });
      return;
    }
    switch (command.type) {
      case 'turn.ended':
        if (state.turn?.number === command.turn) {
          const { outcome, delivery = state.turn.delivery } = command;
          this.#turnEnded(state, state.turn, outcome, delivery);
        }
        return;
      case 'turn.lost':
        if (state.turn?.number === command.turn && state.turn.delivery === command.delivery) {
          this.#turnLost(state, state.turn);
        }
        return;
      case 'wake':
        this.#wake(state);
        return;
      case 'actor.resume':
        if (state.status === 'quarantined') {
          this.#emit({ type: 'actor.resumed', at: this.#context.now });
          this.#beginTurn(state);
        }
        this.#reply({ ok: true, value: null });
        return;
      case 'workflow.start':
      case 'workflow.cancel':
      case 'workflow.retry':
      case 'task.started':
      case 'task.progressed':
      case 'task.ended':
      case 'task.lost':
        this.#reply({
          ok: false,
          code: 'INTERNAL',
          message: `${command.type} was sent to an actor of the user's own`,
        });
    }
  }

  #receive(command: Extract<Command, { type: 'actor.message' }>): void {
    const { id, to, replyTo } = this.#envelope;
    const state =
      this.state ??
      this.#emit({
        type: 'actor.created',
        at: this.#context.now,
        name: command.name,
        key: command.key,
      });
    const before = state.applied.find((applied) => applied.id === id);
    if (before !== undefined) {
      this.#reply(command.ask ? before.reply : { ok: true, value: null });
      return;
    }
    const waiting = state.waiting.find((message) => message.id === id);
    if (waiting !== undefined) {
      if (!command.ask) this.#reply({ ok: true, value: null });
      else if (replyTo !== undefined && !isSame(waiting.replyTo, replyTo)) {
        const { now } = this.#context;
        this.#emit({ type: 'actor.readdressed', at: now, message: id, replyTo });
      }
      return;
    }
    if (state.status === 'quarantined') {
      this.#reply(quarantined(to, state.quarantine));
      return;
    }
    if (state.waiting.length >= limits.actorMailbox) {
      this.#reply({
        ok: false,
        code: 'ACTOR_MAILBOX_FULL',
        message: `${to} has ${limits.actorMailbox} messages waiting; send again when it has caught up`,
      });
      return;
    }
    const { on, payload, ask } = command;
    this.#emit({
      type: 'actor.received',
      at: this.#context.now,
      message: { id, on, payload, replyTo: ask ? (replyTo ?? null) : null },
    });
    if (!ask) this.#reply({ ok: true, value: null });
    this.#beginTurn(state);
  }

  #turnEnded(state: UserActorState, turn: Turn, outcome: Outcome, delivery: number): void {
    const { now } = this.#context;
    switch (outcome.status) {
      case 'turned': {
        if (!isAnswerTo(state.waiting.slice(0, turn.size), outcome.replies)) {
          this.#turnFailed(state, turn, invalid('the replies of a turn do not fit its messages'));
          return;
        }
        const asked = new Map(
          state.waiting.slice(0, turn.size).map((waiting) => [waiting.id, waiting.replyTo]),
        );
        this.#emit({
          type: 'turn.completed',
          at: now,
          turn: turn.number,
          value: outcome.state,
          replies: outcome.replies,
          forgetUntil: this.#forgetUntil(),
        });
        for (const reply of outcome.replies) {
          const to = asked.get(reply.id) ?? null;
          if (to !== null) this.effects.push({ type: 'reply', to, reply: replyOf(reply) });
        }
        const failed = outcome.replies.findLast((reply) => !reply.ok);
        if (failed !== undefined && !failed.ok) this.#considerQuarantine(state, failed.failure);
        this.#beginTurn(state);
        return;
      }
      case 'released':
        if (delivery !== turn.delivery) return;
        this.#schedule(state, turn.number, turn.size, { delivery: turn.delivery + 1 });
        return;
      case 'failed':
        this.#turnFailed(state, turn, outcome.failure);
        return;
      case 'completed':
      case 'skipped':
        this.#turnFailed(state, turn, invalid(`a turn ended with the outcome "${outcome.status}"`));
    }
  }

  #turnLost(state: UserActorState, turn: Turn): void {
    if (turn.deaths + 1 < limits.deaths) {
      this.#schedule(state, turn.number, turn.size, { delivery: turn.delivery + 1, lost: true });
      return;
    }
    this.#turnFailed(state, turn, {
      kind: 'poisoned',
      name: 'PoisonedTurnError',
      message: `${limits.deaths} nodes died in turn ${turn.number} of ${state.id}`,
      retryable: false,
    });
  }

  #wake(state: UserActorState): void {
    const { turn } = state;
    const due = userActorDueAt(this.#policy, state);
    if (turn === null || due === null || due > this.#context.now) return;
    this.effects.push({
      type: 'abort',
      ref: { actor: state.id, task: turn.number, attempt: 1, delivery: turn.delivery },
      queue: actorQueue(state.name),
      where: turn.where,
      reason: 'the turn timed out',
    });
    this.#turnFailed(state, turn, {
      kind: 'timeout',
      name: 'TurnTimeout',
      message: `the turn of ${state.id} did not end within ${turnLimitMs(this.#policy, turn)} ms`,
      retryable: false,
    });
  }

  /** A4  A whole turn failed. With one message the culprit is known; with more, each is tried alone. */
  #turnFailed(state: UserActorState, turn: Turn, failure: Failure): void {
    const alone = turn.size === 1 ? (state.waiting[0] ?? null) : null;
    this.#emit({
      type: 'turn.failed',
      at: this.#context.now,
      turn: turn.number,
      failure,
      dropped: alone?.id ?? null,
      forgetUntil: this.#forgetUntil(),
    });
    if (alone?.replyTo) {
      this.effects.push({ type: 'reply', to: alone.replyTo, reply: refused(failure) });
    }
    this.#considerQuarantine(state, failure);
    this.#beginTurn(state);
  }

  #considerQuarantine(state: UserActorState, failure: Failure): void {
    if (state.failures.length <= this.#policy.restart.maxFailures) return;
    const { waiting } = state;
    this.#emit({ type: 'actor.quarantined', at: this.#context.now, failure });
    const reply = quarantined(state.id, failure);
    for (const { replyTo } of waiting) {
      if (replyTo !== null) this.effects.push({ type: 'reply', to: replyTo, reply });
    }
  }

  #forgetUntil(): number {
    return this.#context.now - this.#policy.restart.withinMs;
  }

  #beginTurn(state: UserActorState): void {
    if (state.turn !== null || state.status !== 'active' || state.waiting.length === 0) return;
    const size = state.suspects > 0 ? 1 : Math.min(state.waiting.length, limits.turnMessages);
    this.#schedule(state, state.turns + 1, size, { delivery: 1 });
  }

  #schedule(
    state: UserActorState,
    turn: number,
    size: number,
    handOut: { readonly delivery: number; readonly lost?: true },
  ): void {
    const where = this.#context.place(actorQueue(state.name));
    this.#emit({ type: 'turn.scheduled', at: this.#context.now, turn, size, ...handOut, where });
    if (state.turn !== null) {
      this.effects.push({ type: 'execute', work: workOf(state, state.turn), where });
    }
  }

  #emit(event: UserActorEvent): UserActorState {
    this.events.push(event);
    this.state = evolveUserActor(this.state, event, this.#envelope.to);
    return this.state;
  }

  #reply(reply: Reply): void {
    const to = this.#envelope.replyTo;
    if (to !== undefined) this.effects.push({ type: 'reply', to, reply });
  }
}

function workOf(state: UserActorState, turn: Turn): Work {
  return {
    actor: state.id,
    task: turn.number,
    attempt: 1,
    delivery: turn.delivery,
    queue: actorQueue(state.name),
    priority: 3,
    isolate: false,
    scheduledAt: turn.scheduledAt,
    job: {
      kind: 'turn',
      name: state.name,
      key: state.key,
      state: state.value,
      messages: state.waiting
        .slice(0, turn.size)
        .map(({ id, on, payload }) => ({ id, on, payload })),
    },
  };
}

/** A2  A turn answers its messages in their order, each once: all of them, or the first when its time was up. */
function isAnswerTo(messages: readonly WaitingMessage[], replies: readonly TurnReply[]): boolean {
  return replies.length > 0 && replies.every((reply, index) => reply.id === messages[index]?.id);
}

function isSame(one: ReplyAddress | null, other: ReplyAddress): boolean {
  return one?.node === other.node && one.call === other.call;
}

function invalid(message: string): Failure {
  return { kind: 'invalid', name: 'InvalidResultError', message, retryable: false };
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

function replyOf(reply: TurnReply): Reply {
  return reply.ok ? { ok: true, value: reply.value } : refused(reply.failure);
}

function refused(failure: Failure): Reply {
  return { ok: false, code: 'ACTOR_FAILED', message: failure.message, failure };
}

function quarantined(id: string, failure: Failure | null): Reply {
  return {
    ok: false,
    code: 'ACTOR_QUARANTINED',
    message: `${id} failed too often and is set aside (${failure?.message ?? 'no reason kept'}); resume it to go on`,
    ...(failure === null ? {} : { failure }),
  };
}
