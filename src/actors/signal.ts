import { isDeepStrictEqual } from 'node:util';

import { didYouMean } from './did-you-mean.ts';
import type { Json } from './json.ts';
import type { RefusalCode } from './message.ts';
import type { Plan, PlannedStep } from './plan.ts';
import type { TaskState, WorkflowState } from './workflow-state.ts';
import { isClosed } from './workflow-state.ts';

/** A signal, as it was sent. */
interface Signal {
  /** Of the message: the same again is the same signal. */
  readonly id: string;
  readonly name: string;
  readonly payload: Json;
  readonly payloadDigest: string | null;
}

/** What becomes of it. */
type Reception =
  | { readonly refused: { readonly code: RefusalCode; readonly message: string } }
  /** `isNew`: false when this very one has come before. */
  | {
      readonly refused: null;
      readonly planned: PlannedStep;
      readonly task: TaskState;
      readonly isNew: boolean;
    };

/** A signal is for the step of its name: whether that waits for it, or will. */
export function receive(plan: Plan, state: WorkflowState, signal: Signal): Reception {
  const { id, name } = signal;
  const planned = plan.steps.find(({ step }) => step.name === name && step.signal !== undefined);
  const task = planned === undefined ? undefined : state.tasks[planned.number];
  if (planned === undefined || task === undefined) {
    return refuse('UNKNOWN_SIGNAL', unknown(plan, state, name));
  }
  if (task.signaledBy?.message === id) {
    if (isSame(task, signal)) {
      return { refused: null, planned, task, isNew: false };
    }
    const message = `the same request has sent ${state.id} the signal "${name}" before, with another payload; give a new signal an idempotency key (in the SDK, a requestId) of its own`;
    return refuse('IDEMPOTENCY_MISMATCH', message);
  }
  if (isClosed(state)) {
    return refuse('ALREADY_CLOSED', `cannot signal workflow in state: ${state.status}`);
  }
  const past = whyPast(task);
  if (past !== null) {
    const message = `${state.id} waits no more for the signal "${name}": ${past}`;
    return refuse('SIGNAL_NOT_AWAITED', message);
  }
  return { refused: null, planned, task, isNew: true };
}

/** A digest is comparable with a digest alone, since what came may have been made into something else. */
function isSame({ output, signaledBy }: TaskState, { payload, payloadDigest }: Signal): boolean {
  const before = signaledBy?.payloadDigest ?? null;
  if (before === null && payloadDigest === null) return isDeepStrictEqual(output, payload);
  return before === null || payloadDigest === null || before === payloadDigest;
}

function refuse(code: RefusalCode, message: string): Reception {
  return { refused: { code, message } };
}

function unknown({ steps }: Plan, { id }: WorkflowState, name: string): string {
  const names = steps.flatMap(({ step }) => (step.signal === undefined ? [] : [step.name]));
  const known =
    names.length === 0 ? 'It has none that waits for one.' : `Its signals: ${names.join(', ')}.`;
  return `${id} has no step that waits for the signal "${name}".${didYouMean(name, names)} ${known}`;
}

function whyPast({ signaledBy, status, endedAt }: TaskState): string | null {
  if (signaledBy !== null) return 'it has come before';
  if (endedAt === null) return null;
  return `its step ${status === 'failed' ? 'has failed' : `was ${status}`}`;
}
