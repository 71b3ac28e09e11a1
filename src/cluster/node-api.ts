import { actorQueue, type Graph } from '#actors/definition.ts';
import { actorId, isActorKey, isWorkflowId, shardOf } from '#actors/ids.ts';
import { isJsonObject, type Json } from '#actors/json.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';

import { admit, admitSignal, signalSchema } from './admission.ts';
import type {
  ActorCall,
  ClusterApi,
  ClusterView,
  DefinitionVersion,
  EventPage,
  ListFilter,
  LiveFeed,
  MinuteCounts,
  NodeView,
  ReadinessCheck,
  SignalRequest,
  Started,
  StartRequest,
  TaskFilter,
  TaskLogLine,
  TaskPage,
  WorkflowFilter,
  WorkflowPage,
  WorkflowSnapshot,
} from './api.ts';
import { ClusterError } from './api.ts';
import type { DefinitionCache } from './definition-cache.ts';
import type { EventReads } from './event-reads.ts';
import { type NodeHealth, unavailable } from './health.ts';
import { memberName } from './members/member.ts';
import type { Member, Membership } from './members/membership.ts';
import type { Ownership } from './members/ownership.ts';
import type { Presence } from './members/presence.ts';
import { surroundingsOf } from './members/surroundings.ts';
import type { Caller } from './messages/caller.ts';
import { isPassing } from './mysql/failures.ts';
import type { Store } from './mysql/store.ts';
import { newMessageId, newWorkflowId, workflowIdOf } from './new-ids.ts';
import type { Orders } from './orders.ts';
import { type Queries, tasksOf } from './queries.ts';
import type { Readiness } from './readiness.ts';
import type { Reads } from './reads.ts';
import { startLimits } from './start-limits.ts';
import type { OpenSpan } from './tracing/open-span.ts';
import type { Tracing } from './tracing/tracing.ts';

/** It takes 4 to 6 s; this is how long a call waits, too. */
const takeoverMs = 15_000;
const pauseMs = 100;

/** What a node can be asked, answered. */
export class NodeApi implements ClusterApi {
  readonly live: LiveFeed;
  readonly #parts: NodeApiParts;

  constructor(parts: NodeApiParts) {
    this.#parts = parts;
    this.live = parts.live;
  }

  async start(request: StartRequest): Promise<Started> {
    return await this.#parts.tracing.submit(request.name, async (span) => {
      return await this.#start(request, span);
    });
  }

  async #start(request: StartRequest, span: OpenSpan | null): Promise<Started> {
    const { name, id, version } = request;
    this.#parts.health.assertServing();
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
    const admitted = await admit(graph, code, request);
    const to = id ?? workflowIdOf(request.requestId) ?? newWorkflowId();
    span?.set({ 'temjob.workflow.id': to });
    const reply = await this.#parts.caller.call({
      id: request.requestId ?? newMessageId(),
      to,
      command: {
        type: 'workflow.start',
        name: graph.name,
        version: graph.version,
        ...admitted,
        ...startLimits(graph, request.timeoutMs, this.#parts.limits),
        onConflict: request.onConflict ?? 'fail',
      },
      ...(id === undefined && request.requestId === undefined ? { fresh: true } : {}),
      ...(span === null ? {} : { trace: span.trace }),
    });
    return { id: to, existing: isJsonObject(reply) && reply['existing'] === true };
  }

  async cancel(workflowId: string, reason = 'canceled by a client'): Promise<void> {
    this.#parts.health.assertServing();
    if (!isWorkflowId(workflowId)) throw notFound(workflowId);
    const command = { type: 'workflow.cancel', reason } as const;
    await this.#parts.caller.call({ id: newMessageId(), to: workflowId, command, ...this.#here() });
  }

  async retry(workflowId: string): Promise<void> {
    this.#parts.health.assertServing();
    if (!isWorkflowId(workflowId)) throw notFound(workflowId);
    const command = { type: 'workflow.retry' } as const;
    await this.#parts.caller.call({ id: newMessageId(), to: workflowId, command, ...this.#here() });
  }

  async signal(request: SignalRequest): Promise<void> {
    const { workflowId: to, signal, requestId } = request;
    this.#parts.health.assertServing();
    const graph = await this.#graphOf(to);
    const schema = signalSchema(graph, signal, this.#parts.definitions.codes(graph.name));
    const admitted = await admitSignal(schema, request);
    const command = { type: 'workflow.signal', signal, ...admitted } as const;
    const id = requestId ?? newMessageId();
    await this.#parts.caller.call({ id, to, command, ...this.#here() });
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

  async list(filter: ListFilter): Promise<WorkflowPage> {
    return await this.#stored(async () => await this.#parts.queries.list(filter));
  }

  async count(filter: WorkflowFilter): Promise<number> {
    return await this.#stored(async () => await this.#parts.queries.count(filter));
  }

  async stats(): Promise<Readonly<Record<WorkflowStatus, number>>> {
    const counted = await this.#stored(async () => await this.#parts.store.workflows.stats());
    const none = { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 };
    return { ...none, ...counted };
  }

  async tasks(filter: TaskFilter): Promise<TaskPage> {
    const { workflowId, ...anywhere } = filter;
    if (workflowId !== undefined) return tasksOf(await this.workflow(workflowId), filter);
    return await this.#stored(async () => await this.#parts.queries.tasks(anywhere));
  }

  async events(workflowId: string, page: { after: number; limit: number }): Promise<EventPage> {
    if (!isWorkflowId(workflowId)) throw notFound(workflowId);
    const found = await this.#stored(async () => {
      return await this.#parts.eventReads.read(workflowId, page.after, page.limit);
    });
    if (found === null) throw notFound(workflowId);
    return found;
  }

  async throughput(minutes: number): Promise<readonly MinuteCounts[]> {
    return await this.#stored(async () => await this.#parts.queries.throughput(minutes));
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
      const { definitions } = this.#parts;
      const wanted =
        version === undefined ? definitions.newest(name) : definitions.resolve(name, version);
      return (await wanted).graph;
    });
  }

  async definitionVersions(name: string): Promise<readonly DefinitionVersion[]> {
    return await this.#stored(async () => await this.#parts.queries.definitionVersions(name));
  }

  async tell(message: ActorCall): Promise<void> {
    await this.#message(message, false);
  }

  async ask(message: ActorCall): Promise<Json> {
    return await this.#message(message, true);
  }

  async resumeActor(name: string, key: string): Promise<void> {
    this.#parts.health.assertServing();
    const to = actorId(name, key);
    await this.#parts.caller.call({ id: newMessageId(), to, command: { type: 'actor.resume' } });
  }

  async cluster(): Promise<ClusterView> {
    const { membership, ownership, presence, shards } = this.#parts;
    const owned = Map.groupBy(ownership.owners(), ([, owner]) => owner);
    const nodes = [...membership.members.values()].map((member) =>
      nodeView(member, {
        shards: owned.get(member.id)?.length ?? 0,
        heartbeatAgeMs: membership.heartbeatAgeMs(member.id),
      }),
    );
    return {
      node: presence.name,
      shards,
      nodes: nodes.toSorted((a, b) => a.name.localeCompare(b.name)),
    };
  }

  async shardOwners(): Promise<readonly (string | null)[]> {
    const { ownership, shards } = this.#parts;
    return Array.from({ length: shards }, (_, shard) => {
      const owner = ownership.ownerOf(shard);
      return owner === null ? null : memberName(owner);
    });
  }

  async drain(node: string, on: boolean): Promise<void> {
    await this.#parts.orders.drain(node, on);
  }

  async kill(node: string): Promise<void> {
    await this.#parts.orders.kill(node);
  }

  async ready(): Promise<void> {
    await this.#parts.readiness.assert();
  }

  async readiness(): Promise<readonly ReadinessCheck[]> {
    return await this.#parts.readiness.checks();
  }

  /** What a workflow runs on. A takeover is waited out, as it is by the message that needs it. */
  async #graphOf(workflowId: string): Promise<Graph> {
    if (!isWorkflowId(workflowId)) throw notFound(workflowId);
    const { definitions, health, shards, store } = this.#parts;
    const key = { shard: shardOf(workflowId, shards), id: workflowId };
    const until = performance.now() + takeoverMs;
    for (;;) {
      const known = await this.#stored(async () => await store.snapshots.definitionOf(key));
      if (known !== null) return (await definitions.resolve(known.name, known.version)).graph;
      try {
        // It was started a moment ago, so only its owner knows it.
        return (await this.workflow(workflowId)).graph;
      } catch (error) {
        const isSilent = error instanceof ClusterError && error.code === 'UNAVAILABLE';
        if (!isSilent || performance.now() >= until) throw error;
      }
      health.assertReachable();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Where the caller is in a trace: what its message causes is linked to it. */
  #here(): { readonly trace?: string } {
    const trace = this.#parts.tracing.here();
    return trace === undefined ? {} : { trace };
  }

  async #message(message: ActorCall, ask: boolean): Promise<Json> {
    return await this.#parts.tracing.send(message, async (span) => {
      return await this.#send(message, ask, span);
    });
  }

  async #send(message: ActorCall, ask: boolean, span: OpenSpan | null): Promise<Json> {
    const { name, key, on, payload, id, timeoutMs } = message;
    this.#parts.health.assertServing();
    if (!isActorKey(key) || !isActorKey(name)) {
      throw new ClusterError(
        'INVALID_INPUT',
        `"${name}/${key}" cannot be an actor: name and key are 1 to 100 letters, digits and _ . : @ -`,
      );
    }
    try {
      return await this.#parts.caller.call(
        {
          id: id ?? newMessageId(),
          to: actorId(name, key),
          command: { type: 'actor.message', name, key, on, payload, ask },
          ...(span === null ? {} : { trace: span.trace }),
        },
        timeoutMs,
      );
    } catch (error) {
      throw this.#whyUnanswered(name, error);
    }
  }

  /** An actor is silent whose code no node has; not known before its time is up, since one that has it may be starting. */
  #whyUnanswered(name: string, error: unknown): unknown {
    const { health, membership } = this.#parts;
    const { mysql, redis } = health.reachable;
    const isLate = error instanceof ClusterError && error.code === 'UNAVAILABLE' && mysql && redis;
    if (!isLate || surroundingsOf(membership).offers(actorQueue(name))) return error;
    return unavailable(
      `no node has the code of actor "${name}": the message waits for one that loads its module`,
      error,
    );
  }

  /** What MySQL or an owner that is gone makes fail is a passing failure to a client. */
  async #stored<Value>(read: () => Promise<Value>): Promise<Value> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      // Anything else is a fault of ours, and must not look like an outage.
      if (!isPassing(error) && !this.#parts.health.isDraining) throw error;
      throw unavailable('MySQL does not answer', error);
    }
  }
}

/** A member of the cluster as people see it. */
function nodeView(
  { info, state }: Member,
  seen: { readonly shards: number; readonly heartbeatAgeMs: number },
): NodeView {
  const { running, actors, threads, utilization, rssBytes } = info.load;
  return {
    name: info.name,
    state: state === 'up' && info.draining ? 'draining' : state,
    draining: info.draining,
    version: info.version,
    url: info.url,
    shards: seen.shards,
    offers: info.offers,
    started_at: new Date(info.startedAt).toISOString(),
    heartbeat_age_ms: Math.round(seen.heartbeatAgeMs),
    load: { running, actors, threads, utilization, rss_bytes: rssBytes },
  };
}

export interface NodeApiParts {
  readonly limits: Parameters<typeof startLimits>[2];
  readonly presence: Presence;
  readonly orders: Orders;
  readonly shards: number;
  readonly store: Store;
  readonly definitions: DefinitionCache;
  readonly caller: Caller;
  readonly reads: Reads;
  readonly eventReads: EventReads;
  readonly queries: Queries;
  readonly membership: Membership;
  readonly ownership: Ownership;
  readonly live: LiveFeed;
  readonly health: NodeHealth;
  readonly readiness: Readiness;
  readonly tracing: Tracing;
}

function notFound(id: string): ClusterError {
  return new ClusterError('NOT_FOUND', `workflow not found: ${id}`);
}
