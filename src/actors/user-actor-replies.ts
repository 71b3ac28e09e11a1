import type { Failure } from './failure.ts';
import type { Reply } from './message.ts';
import type { TurnReply } from './work.ts';

/** What a caller hears of its message. */
export function replyOf(reply: TurnReply): Reply {
  return reply.ok ? { ok: true, value: reply.value } : refused(reply.failure);
}

export function refused(failure: Failure): Reply {
  return { ok: false, code: 'ACTOR_FAILED', message: failure.message, failure };
}

export function quarantined(id: string, failure: Failure | null): Reply {
  return {
    ok: false,
    code: 'ACTOR_QUARANTINED',
    message: `${id} failed too often and is set aside (${failure?.message ?? 'no reason kept'}); resume it to go on`,
    ...(failure === null ? {} : { failure }),
  };
}
