import type {
  ActorDefinition,
  ActorHandler,
  ActorTurn,
  ActorTurnContext,
} from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';

import { DefinitionError } from './definition-error.ts';
import { checkName } from './names.ts';
import { limit } from './policy.ts';
import type { Stored } from './shape.ts';

/** An actor of the user's own, and the types of its state and messages. */
export interface Actor<State, Messages> extends ActorDefinition {
  /** For types alone; never there. */
  readonly types?: { readonly state: State; readonly messages: Messages };
}

export interface ActorOptions<State, On> {
  /** The state before the first message, or a function that makes it. It must be something that JSON can hold. */
  readonly state: State | (() => State);
  /** What to do on each message. */
  readonly on: On;
  /** More failures than this in this time put the actor aside until somebody resumes it. Default 3 within 1m. */
  readonly restart?: { readonly maxFailures?: number; readonly within?: Duration };
  /** The longest turn. Default 30s. */
  readonly turnTimeout?: Duration;
}

/** Handlers take the state and the message's payload, and return what is new: `{ state }`, `{ reply }`, both or `{}`. */
export type ActorHandlers<State> = Readonly<
  Record<
    string,
    (
      state: State,
      payload: never,
      context: ActorTurnContext,
    ) => ActorTurn<State, unknown> | Promise<ActorTurn<State, unknown>>
  >
>;

/** The messages that handlers take, with what each carries and answers. */
export type MessagesOf<On> = {
  readonly [Name in keyof On]: On[Name] extends (...args: infer Args) => infer Turn
    ? {
        readonly payload: PayloadIn<Args>;
        readonly reply: ReplyOf<Awaited<Turn>>;
      }
    : never;
};

/** What a client holds of one actor. */
export interface ActorRef<Messages> {
  readonly id: string;
  /** Sends a message and waits for its reply. Rejects with the failure when the turn fails. */
  ask<Name extends keyof Messages & string>(
    message: Name,
    ...payload: PayloadArgs<Messages[Name]>
  ): Promise<ReplyTo<Messages[Name]>>;
  /** Sends a message; resolves once it will not be lost. */
  tell<Name extends keyof Messages & string>(
    message: Name,
    ...payload: PayloadArgs<Messages[Name]>
  ): Promise<void>;
}

/** The arguments after the message's name: none when the message carries nothing. */
export type PayloadArgs<Message> = Message extends { readonly payload: infer Payload }
  ? [Payload] extends [void]
    ? [Payload] extends [never]
      ? [payload: never]
      : []
    : undefined extends Payload
      ? [payload?: Payload]
      : [payload: Payload]
  : never;

export type ReplyTo<Message> = Message extends { readonly reply: infer Reply } ? Reply : never;

/**
 * An actor: a state in the cluster that takes one message at a time.
 *
 *     const counter = actor('counter', {
 *       state: { count: 0 },
 *       on: {
 *         add: ({ count }, by: number) => ({ state: { count: count + by }, reply: count + by }),
 *         read: (state) => ({ reply: state.count }),
 *       },
 *     });
 *
 * @throws DefinitionError
 */
export function actor<State, On extends ActorHandlers<State>>(
  name: string,
  options: ActorOptions<State, On>,
): Actor<State, MessagesOf<On>> {
  checkName('actor', name);
  const place = { where: `actor "${name}"` };
  const { state, restart = {} } = options;
  const on: Readonly<Record<string, ActorHandler>> = { ...options.on };
  if (Object.keys(on).length === 0) {
    throw new DefinitionError({
      code: 'EMPTY',
      ...place,
      message:
        'it understands no message. Add handlers: { on: { add: (state, by: number) => … } }.',
    });
  }
  for (const message of Object.keys(on)) checkName('message', message, place.where);
  const maxFailures = restart.maxFailures ?? 3;
  if (!Number.isSafeInteger(maxFailures) || maxFailures < 0) {
    throw new DefinitionError({
      code: 'BAD_RETRY',
      ...place,
      message: `restart.maxFailures is ${maxFailures}; it must be a whole number, 0 or more.`,
    });
  }
  return {
    kind: 'actor',
    name,
    initialState: isMaker(state) ? state : () => structuredClone(state),
    on,
    restart: { maxFailures, withinMs: limit('restart.within', restart.within, place) ?? 60_000 },
    turnTimeoutMs: limit('turnTimeout', options.turnTimeout, place) ?? 30_000,
  };
}

// ---- helpers ----

type PayloadIn<Args> = Args extends readonly [unknown, ...infer Rest]
  ? Rest extends readonly []
    ? void
    : Rest[0]
  : void;

type ReplyOf<Turn> = Turn extends { readonly reply: infer Reply } ? Stored<Reply> : null;

function isMaker<State>(state: State | (() => State)): state is () => State {
  return typeof state === 'function';
}
