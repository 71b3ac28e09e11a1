import type { Failure } from './failure.ts';
import type { Json } from './json.ts';
import type { ReplyAddress } from './message.ts';
import type { ActorMessage, TurnReply } from './work.ts';

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

export interface WaitingMessage extends ActorMessage {
  /** Where an ask is awaited. */
  readonly replyTo: ReplyAddress | null;
}
