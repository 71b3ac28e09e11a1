import { createHash } from 'node:crypto';

import type { Graph } from '#actors/definition.ts';
import { actorId, isActorKey, isWorkflowId, shardOf } from '#actors/ids.ts';
import type { Json } from '#actors/json.ts';
import type { Envelope, Reply } from '#actors/message.ts';
import type { WorkflowState, WorkflowStatus } from '#actors/workflow-state.ts';

import { admit } from './admission.ts';
import type {
  ActorCall,
  ClusterApi,
  ClusterView,
  ListFilter,
  LiveFeed,
  Started,
  StartRequest,
  TaskLogLine,
  WorkflowRow,
  WorkflowSnapshot,
} from './api.ts';
import { ClusterError } from './api.ts';
import type { DefinitionCache } from './definition-cache.ts';
import { workflowRow } from './live/workflow-row.ts';
import { memberName } from './members/member.ts';
import type { Membership } from './members/membership.ts';
import type { Ownership } from './members/ownership.ts';
import type { Call, Calls } from './messages/calls.ts';
import type { Courier } from './messages/courier.ts';
import type { Store } from './mysql/store.ts';
import { randomBytes } from './random.ts';
import type { Reads } from './reads.ts';
import { isPassing } from './redis/failures.ts';
import { MailboxFullError } from './redis/mailboxes.ts';

/** How long a call waits for its actor; a takeover takes 4 to 6 s, and is waited out. */
const callMs = 15_000;
/** Without an answer after this time the message is sent again: it is applied once, however often it comes. */
const resendMs = 4_000;
const lookUpMs = 500;
/** After so long an outage, a call is refused at once. */
const outageMs = 1_500;
const retryAfterMs = 1_000;

/** What a node can be asked, answered. */
export class NodeApi implements ClusterApi {
  readonly live: LiveFeed;
  readonly #parts: NodeApiParts;

  constructor(parts: NodeApiParts) {
    this.#parts = parts;
    this.live = parts.live;
  }

  async start(request: StartRequest): Promise<Started> {
    const { name, id, version } = request;
    this.#assertServing();
    if (id !== undefined && !isWorkflowId(id)) {
      throw new ClusterError(
        'INVALID_INPUT',
        `"${id}" cannot be the id of a workflow: 1 to 128 letters, digits and _ . : @ -, beginning with a letter or digit`,
        { problems: [{ pointer: '/id', detail: 'is not a valid workflow id' }] },
      );
    }
    const { graph } = await this.#stored(async () => {
      return await this.#parts.definitions.resolve(name, version);
    });
    const code = this.#parts.definitions.code(graph.name, graph.version);
    const input = await admit(graph, code, request.input);
    const to = id ?? workflowIdOf(request.requestId) ?? newWorkflowId();
    const reply = await this.#call({
      id: request.requestId ?? newMessageId(),
      to,
      command: {
        type: 'workflow.start',
        name: graph.name,
        version: graph.version,
        input,
        timeoutMs: request.timeoutMs ?? null,
        onConflict: request.onConflict ?? 'fail',
      },
      ...(id === undefined && request.requestId === undefined ? { fresh: true } : {}),
    });
    return { id: to, existing: isObject(reply) && reply['existing'] === true };
  }

  async cancel(workflowId: string, reason = 'canceled by a client'): Promise<void> {
    this.#assertServing();
    if (!isWorkflowId(workflowId)) throw notFound(workflowId);
    const command = { type: 'workflow.cancel', reason } as const;
    await this.#call({ id: newMessageId(), to: workflowId, command });
  }

  async workflow(id: string): Promise<WorkflowSnapshot> {
    return await this.result(id, 0);
  }

  async result(id: string, waitMs: number, signal?: AbortSignal): Promise<WorkflowSnapshot> {
    if (!isWorkflowId(id)) throw notFound(id);
    const found = await this.#stored(async () => await this.#parts.reads.read(id, waitMs, signal));
    if (found === null) throw notFound(id);
    return found;
  }

  async list(filter: ListFilter): Promise<readonly WorkflowRow[]> {
    const snapshots = await this.#stored(async () => {
      return await this.#parts.store.workflows.list({ kind: 'workflow', ...filter });
    });
    return snapshots.map(({ data, seq }) => {
      const state: WorkflowState = JSON.parse(data);
      return workflowRow(state, seq, { payloads: true });
    });
  }

  async stats(): Promise<Readonly<Record<WorkflowStatus, number>>> {
    const counted = await this.#stored(async () => await this.#parts.store.workflows.stats());
    const none = { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 };
    return { ...none, ...counted };
  }

  async logs(
    workflowId: string,
    filter: { step?: number; limit: number },
  ): Promise<readonly TaskLogLine[]> {
    const { step, limit } = filter;
    const lines = await this.#stored(async () => {
      const shard = shardOf(workflowId, this.#parts.shards);
      const task = step === undefined ? {} : { task: step };
      return await this.#parts.store.logs.read(shard, workflowId, { ...task, limit });
    });
    return lines.map(({ task, attempt, at, level, message }) => ({
      step: task,
      attempt,
      at,
      level,
      message,
    }));
  }

  async definitions(): Promise<readonly Graph[]> {
    return await this.#stored(async () => await this.#parts.store.definitions.list());
  }

  async definition(name: string, version?: string): Promise<Graph> {
    return await this.#stored(async () => {
      return (await this.#parts.definitions.resolve(name, version)).graph;
    });
  }

  async tell(message: ActorCall): Promise<void> {
    await this.#message(message, false);
  }

  async ask(message: ActorCall): Promise<Json> {
    return await this.#message(message, true);
  }

  async resumeActor(name: string, key: string): Promise<void> {
    this.#assertServing();
    const to = actorId(name, key);
    await this.#call({ id: newMessageId(), to, command: { type: 'actor.resume' } });
  }

  async cluster(): Promise<ClusterView> {
    const { membership, ownership, node, shards } = this.#parts;
    const owned = Map.groupBy(ownership.owners(), ([, owner]) => owner);
    const nodes = [...membership.members.values()].map(({ id, info, state }) => ({
      name: info.name,
      state: state === 'up' && info.draining ? ('draining' as const) : state,
      url: info.url,
      shards: owned.get(id)?.length ?? 0,
      offers: info.offers,
      started_at: new Date(info.startedAt).toISOString(),
    }));
    return {
      node: memberName(node),
      shards,
      nodes: nodes.toSorted((a, b) => a.name.localeCompare(b.name)),
    };
  }

  async ready(): Promise<void> {
    this.#assertServing();
    try {
      await this.#parts.store.ready();
    } catch (error) {
      throw unavailable('MySQL does not answer', error);
    }
  }

  async #message(message: ActorCall, ask: boolean): Promise<Json> {
    const { name, key, on, payload, id, timeoutMs } = message;
    this.#assertServing();
    if (!isActorKey(key) || !isActorKey(name)) {
      throw new ClusterError(
        'INVALID_INPUT',
        `"${name}/${key}" cannot be an actor: name and key are 1 to 100 letters, digits and _ . : @ -`,
      );
    }
    return await this.#call(
      {
        id: id ?? newMessageId(),
        to: actorId(name, key),
        command: { type: 'actor.message', name, key, on, payload, ask },
      },
      timeoutMs ?? callMs,
    );
  }

  /**
   * Sends a message to an actor until it answers or the time is over. What has not answered may still be applied: the same id
   * sent again is the same message.
   */
  async #call(message: Omit<Envelope, 'replyTo'>, limitMs = callMs): Promise<Json> {
    const { replies, courier, node } = this.#parts;
    const until = performance.now() + limitMs;
    const call = replies.open();
    try {
      let envelope: Envelope = { ...message, replyTo: { node, call: call.id } };
      for (;;) {
        const leftMs = until - performance.now();
        if (leftMs <= 0) throw unavailable(`${message.to} did not answer within ${limitMs} ms`);
        const sent = await this.#send(courier, envelope, leftMs);
        const reply = sent ? await this.#replyTo(call, Math.min(resendMs, leftMs)) : null;
        if (reply !== null) return valueOf(reply);
        // From now on an earlier copy may have been applied.
        const { fresh: _, ...known } = envelope;
        envelope = known;
      }
    } finally {
      call.close();
    }
  }

  /** Null when none has come in time. Who waits while an outage becomes known need not wait it out. */
  async #replyTo(call: Call<Reply>, limitMs: number): Promise<Reply | null> {
    for (let leftMs = limitMs; leftMs > 0; leftMs -= lookUpMs) {
      const reply = await call.within(Math.min(lookUpMs, leftMs));
      if (reply !== null) return reply;
      this.#assertReachable();
    }
    return null;
  }

  /** False when Redis is away for the moment. */
  async #send(courier: Courier, envelope: Envelope, leftMs: number): Promise<boolean> {
    try {
      await courier.send(envelope);
      return true;
    } catch (error) {
      if (error instanceof MailboxFullError) {
        throw new ClusterError('OVERLOADED', error.message, { cause: error, retryAfterMs });
      }
      if (!isPassing(error)) throw error;
      if (leftMs < callMs - outageMs) throw unavailable('Redis does not answer', error);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return false;
    }
  }

  /** What MySQL or an owner that is gone makes fail is a passing failure to a client. */
  async #stored<Value>(read: () => Promise<Value>): Promise<Value> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      throw unavailable('MySQL does not answer', error);
    }
  }

  #assertServing(): void {
    const { condition } = this.#parts;
    if (condition.draining) {
      throw new ClusterError('DRAINING', `node ${memberName(this.#parts.node)} is shutting down`, {
        retryAfterMs,
      });
    }
    this.#assertReachable();
  }

  #assertReachable(): void {
    const { condition } = this.#parts;
    if (condition.mysqlDownSince !== null && since(condition.mysqlDownSince) > outageMs) {
      throw unavailable('MySQL does not answer');
    }
    if (condition.redisDownSince !== null && since(condition.redisDownSince) > outageMs) {
      throw unavailable('Redis does not answer');
    }
  }
}

export interface NodeApiParts {
  readonly node: string;
  readonly shards: number;
  readonly store: Store;
  readonly definitions: DefinitionCache;
  readonly replies: Calls<Reply>;
  readonly courier: Courier;
  readonly reads: Reads;
  readonly membership: Membership;
  readonly ownership: Ownership;
  readonly live: LiveFeed;
  readonly condition: Condition;
}

/** How a node is, as far as callers need to know. Times are `performance.now()`. */
export interface Condition {
  draining: boolean;
  mysqlDownSince: number | null;
  redisDownSince: number | null;
}

function since(at: number): number {
  return performance.now() - at;
}

/** The same request is the same workflow: a UUIDv8 (RFC 9562) made of it. */
function workflowIdOf(requestId: string | undefined): string | null {
  if (requestId === undefined) return null;
  const bytes = createHash('sha256').update(requestId).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

/** UUIDv7 (RFC 9562): time-ordered, so that new rows of an index land beside each other. */
function newWorkflowId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function newMessageId(): string {
  return randomBytes(12).toString('base64url');
}

function valueOf(reply: Reply): Json {
  if (reply.ok) return reply.value;
  const failure = reply.failure === undefined ? {} : { failure: reply.failure };
  throw new ClusterError(reply.code, reply.message, failure);
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function notFound(id: string): ClusterError {
  return new ClusterError('NOT_FOUND', `workflow not found: ${id}`);
}

function unavailable(message: string, cause?: unknown): ClusterError {
  return new ClusterError('UNAVAILABLE', `${message}; try again in a moment`, {
    cause,
    retryAfterMs,
  });
}
