import type { Decision, DecisionContext, Envelope } from './message.ts';
import type { Plan } from './plan.ts';
import type { UserActorEvent } from './user-actor-events.ts';
import type { UserActorState } from './user-actor-state.ts';
import { evolveUserActor } from './user-actor-state.ts';
import type { UserActorPolicy } from './user-actor.ts';
import { decideUserActor, userActorDueAt, userActorWorkOut } from './user-actor.ts';
import type { Work } from './work.ts';
import type { WorkflowEvent } from './workflow-events.ts';
import type { WorkflowState } from './workflow-state.ts';
import { evolveWorkflow, isClosed } from './workflow-state.ts';
import { workflowWorkOut } from './workflow-work.ts';
import { decideWorkflow, workflowDueAt } from './workflow.ts';

export type ActorEvent = WorkflowEvent | UserActorEvent;
export type ActorState = WorkflowState | UserActorState;

/** What every actor is to the node that owns it, be it a workflow or an actor of the user's own. */
export interface Actor {
  readonly kind: 'workflow' | 'actor';
  readonly id: string;
  /** How many events have happened to it. */
  readonly seq: number;
  readonly state: ActorState | null;
  /** Decides about a message and applies the events: the state is then ahead of the journal until they are committed. */
  handle(envelope: Omit<Envelope, 'to'>, context: DecisionContext): Decision<ActorEvent>;
  /** Applies an event that the journal already holds. */
  replay(event: ActorEvent): void;
  /** When it wants to be woken (milliseconds since 1970), or null. */
  dueAt(): number | null;
  /** What somebody should be running for it now. */
  workOut(): readonly { readonly work: Work; readonly where: string }[];
  /** Nothing will ever happen to it again. */
  readonly closed: boolean;
  /** The `traceparent` of what it belongs to, when it is traced. */
  readonly trace: string | undefined;
  summary(): ActorSummary;
}

/** What lists and searches know of an actor. */
export interface ActorSummary {
  readonly name: string;
  /** The definition's version; empty for an actor of the user's own. */
  readonly version: string;
  readonly state: string;
  readonly open: boolean;
  readonly failure: string | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export class WorkflowActor implements Actor {
  readonly kind = 'workflow';
  readonly id: string;
  readonly plan: Plan;
  #seq: number;
  #state: WorkflowState | null;

  constructor(id: string, plan: Plan, seq = 0, state: WorkflowState | null = null) {
    this.id = id;
    this.plan = plan;
    this.#seq = seq;
    this.#state = state;
  }

  get seq(): number {
    return this.#seq;
  }

  get state(): WorkflowState | null {
    return this.#state;
  }

  handle(envelope: Omit<Envelope, 'to'>, context: DecisionContext): Decision<WorkflowEvent> {
    const turn = decideWorkflow(this.plan, this.#state, { ...envelope, to: this.id }, context);
    this.#state = turn.state;
    this.#seq += turn.events.length;
    return turn;
  }

  replay(event: ActorEvent): void {
    if (!isWorkflowEvent(event)) throw new Error(`${event.type} is no event of a workflow`);
    this.#state = evolveWorkflow(this.#state, event, this.plan, this.id);
    this.#seq += 1;
  }

  dueAt(): number | null {
    return this.#state === null ? null : workflowDueAt(this.plan, this.#state);
  }

  workOut(): readonly { readonly work: Work; readonly where: string }[] {
    return this.#state === null || this.closed ? [] : workflowWorkOut(this.plan, this.#state);
  }

  get closed(): boolean {
    return this.#state !== null && isClosed(this.#state);
  }

  get trace(): string | undefined {
    return this.#state?.trace;
  }

  summary(): ActorSummary {
    const state = this.#state;
    return {
      name: this.plan.graph.name,
      version: this.plan.graph.version,
      state: state?.status ?? 'pending',
      open: !this.closed,
      failure: state?.failure?.message ?? state?.cancelReason ?? null,
      createdAt: state?.createdAt ?? 0,
      startedAt: state?.startedAt ?? null,
      endedAt: state?.endedAt ?? null,
    };
  }
}

export class UserActor implements Actor {
  readonly kind = 'actor';
  readonly id: string;
  readonly #policy: UserActorPolicy;
  #seq: number;
  #state: UserActorState | null;

  constructor(id: string, policy: UserActorPolicy, seq = 0, state: UserActorState | null = null) {
    this.id = id;
    this.#policy = policy;
    this.#seq = seq;
    this.#state = state;
  }

  get seq(): number {
    return this.#seq;
  }

  get state(): UserActorState | null {
    return this.#state;
  }

  handle(envelope: Omit<Envelope, 'to'>, context: DecisionContext): Decision<UserActorEvent> {
    const turn = decideUserActor(this.#policy, this.#state, { ...envelope, to: this.id }, context);
    this.#state = turn.state;
    this.#seq += turn.events.length;
    return turn;
  }

  replay(event: ActorEvent): void {
    if (isWorkflowEvent(event)) throw new Error(`${event.type} is no event of a user's actor`);
    this.#state = evolveUserActor(this.#state, event, this.id);
    this.#seq += 1;
  }

  dueAt(): number | null {
    return this.#state === null ? null : userActorDueAt(this.#policy, this.#state);
  }

  workOut(): readonly { readonly work: Work; readonly where: string }[] {
    return this.#state === null ? [] : userActorWorkOut(this.#state);
  }

  readonly closed = false;
  readonly trace = undefined;

  summary(): ActorSummary {
    const state = this.#state;
    return {
      name: state?.name ?? '',
      version: '',
      state: state?.status ?? 'active',
      open: state !== null && state.turn !== null,
      failure: state?.quarantine?.message ?? null,
      createdAt: state?.createdAt ?? 0,
      startedAt: null,
      endedAt: null,
    };
  }
}

export function isWorkflowEvent(event: ActorEvent): event is WorkflowEvent {
  return event.type.startsWith('workflow.') || event.type.startsWith('task.');
}

/** A journal record: what one commit did to one actor. */
export interface JournalEntry {
  readonly actor: string;
  /** Number of the first of these events in the actor's history, from 1. */
  readonly first: number;
  readonly events: readonly ActorEvent[];
}
