import type { RestartIntensity } from './definition.ts';
import { actorQueue } from './definition.ts';
import type { Failure } from './failure.ts';
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
import type { UserActorEvent, WaitingMessage } from './user-actor-events.ts';
import { replyOf, refused, quarantined } from './user-actor-replies.ts';
import type { UserActorState, Turn } from './user-actor-state.ts';
import { evolveUserActor } from './user-actor-state.ts';
import type { ActorMessage, Outcome, TurnReply, Work } from './work.ts';

/**
 * An actor of the user's own: keeps messages until a turn has taken them, and the state that the turns leave.
 *
 * Its handlers run elsewhere, as work like any task; here is only the order of things. A1 one turn at a time; A2 messages
 * are applied in the order in which they were committed, each once; A3 a message that throws changes nothing but its own
 * reply; A4 a message that takes its thread down is found by running it alone, and then dropped; A5 too many failures in too
 * short a time put the actor in quarantine until somebody resumes it.
 */
export interface UserActorTurn extends Decision<UserActorEvent> {
  readonly state: UserActorState | null;
}

export function decideUserActor(
  policy: UserActorPolicy,
  state: UserActorState | null,
  envelope: Pick<Envelope, 'id' | 'to' | 'command' | 'replyTo' | 'trace'>,
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

/** The parts of an actor definition that its owner decides by. */
export interface UserActorPolicy {
  readonly restart: RestartIntensity;
  readonly turnTimeoutMs: number;
}

export const defaultActorPolicy: UserActorPolicy = {
  restart: { maxFailures: 3, withinMs: 60_000 },
  turnTimeoutMs: 30_000,
};

class Decider implements UserActorTurn {
  readonly events: UserActorEvent[] = [];
  readonly effects: Effect[] = [];
  state: UserActorState | null;
  readonly #policy: UserActorPolicy;
  readonly #envelope: Pick<Envelope, 'id' | 'to' | 'replyTo' | 'trace'>;
  readonly #context: DecisionContext;

  constructor(
    policy: UserActorPolicy,
    state: UserActorState | null,
    envelope: Pick<Envelope, 'id' | 'to' | 'replyTo' | 'trace'>,
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
      case 'workflow.signal':
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
    const { id, to, replyTo, trace } = this.#envelope;
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
      message: {
        id,
        on,
        payload,
        replyTo: ask ? (replyTo ?? null) : null,
        ...(trace === undefined ? {} : { trace }),
      },
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
      messages: state.waiting.slice(0, turn.size).map(messageOf),
    },
  };
}

/** What a handler needs of it: where the answer goes is its owner's affair. */
function messageOf({ id, on, payload, trace }: WaitingMessage): ActorMessage {
  return { id, on, payload, ...(trace === undefined ? {} : { trace }) };
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
