import { WorkflowActor } from '#actors/actor.ts';
import { shardOf } from '#actors/ids.ts';
import type { Surroundings } from '#actors/why.ts';
import { taskViews, workflowView } from '#actors/workflow-view.ts';

import type { WorkflowSnapshot } from './api.ts';
import { ClusterError } from './api.ts';
import type { Background } from './background.ts';
import type { Ownership } from './members/ownership.ts';
import type { Calls } from './messages/calls.ts';
import type { Courier } from './messages/courier.ts';
import type { NodeMessage, ReadAnswer } from './messages/wire.ts';
import type { Snapshots } from './mysql/snapshots.ts';
import type { Activation } from './shards/activation.ts';
import type { Engine } from './shards/engine.ts';
import type { Shard } from './shards/shard.ts';

/** How long an owner is waited for before it is asked again: it may have died, or have handed the shard over. */
const patienceMs = 2_000;
const pauseMs = 100;
/** How long a read looks for an owner before it is content with what is stored. */
const ownerlessMs = 3_000;
const waitersPerNode = 20_000;

type ReadRequest = Extract<NodeMessage, { t: 'read' }>;

/**
 * Reads of one workflow. They go to its owner, who knows more than is stored; what it answers is durable (the answer waits
 * for the commit of what it shows), so a caller reads its own writes and never something that was not.
 */
export class Reads {
  readonly #node: string;
  readonly #shards: number;
  readonly #engine: Engine;
  readonly #snapshots: Snapshots;
  readonly #ownership: Ownership;
  readonly #courier: Courier;
  readonly #answers: Calls<ReadAnswer>;
  readonly #background: Background;
  readonly #around: () => Surroundings;
  readonly #waiters = new Map<string, Set<(answer: ReadAnswer) => void>>();
  #waiterCount = 0;

  constructor(parts: {
    node: string;
    shards: number;
    engine: Engine;
    snapshots: Snapshots;
    ownership: Ownership;
    courier: Courier;
    answers: Calls<ReadAnswer>;
    background: Background;
    /** What is known besides, to say why a workflow is where it is. */
    around(): Surroundings;
  }) {
    this.#node = parts.node;
    this.#shards = parts.shards;
    this.#engine = parts.engine;
    this.#snapshots = parts.snapshots;
    this.#ownership = parts.ownership;
    this.#courier = parts.courier;
    this.#answers = parts.answers;
    this.#background = parts.background;
    this.#around = () => parts.around();
  }

  /**
   * The newest state; with `waitMs`, once it has ended, the time is over or the signal says so (which is looked at every
   * `patienceMs`). Null when there is no such workflow.
   */
  async read(id: string, waitMs: number, signal?: AbortSignal): Promise<WorkflowSnapshot | null> {
    const startedAt = performance.now();
    for (;;) {
      const elapsedMs = performance.now() - startedAt;
      const leftMs = signal?.aborted ? 0 : Math.max(0, waitMs - elapsedMs);
      const answer = await this.#ask(id, Math.min(leftMs, patienceMs));
      if (answer !== null && 'setAside' in answer) {
        throw new ClusterError(
          'INTERNAL',
          `${id} is set aside, because its node cannot read it; the log of that node says why`,
        );
      }
      if (answer !== null && 'found' in answer) {
        const ended = answer.found?.workflow.ended_at !== undefined;
        if (answer.found === null || ended || leftMs <= patienceMs) return answer.found;
        continue;
      }
      if (elapsedMs > Math.max(ownerlessMs, waitMs)) {
        const stored = await this.#stored(id);
        if (stored !== null) return ownerless(stored, shardOf(id, this.#shards));
        throw new ClusterError('UNAVAILABLE', `the owner of ${id} does not answer`, {
          retryAfterMs: 1_000,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Somebody asks this node. */
  asked(request: ReadRequest): void {
    this.#background.run('answer a read', async () => {
      const answer = await this.#answer(request.id, request.waitMs);
      this.#courier.post(request.from, { t: 'state', call: request.call, answer });
    });
  }

  /**
   * Tells a new watcher how far its workflows are: what happened before this node owned them, nobody else tells it. What is
   * watched and goes on is kept in memory, so that asking about it costs no statement. `unable` hears of those that this
   * node cannot tell about now.
   */
  show(to: string, ids: readonly string[], unable: (id: string) => void): void {
    for (const id of ids) {
      this.#background.run('show a workflow to a watcher', async () => {
        try {
          const answer = await this.#answer(id, 0);
          if (!('found' in answer)) unable(id);
          else if (answer.found !== null) this.#showOne(to, id, answer.found);
        } catch (error) {
          unable(id);
          throw error;
        }
      });
    }
  }

  #showOne(to: string, id: string, { seq, workflow }: WorkflowSnapshot): void {
    const change = { id, fromSeq: seq, seq, workflow, tasks: [], logs: [] };
    this.#courier.post(to, { t: 'change', change });
    const isInMemory = this.#engine.activation(id) !== null;
    if (!isInMemory && workflow.ended_at === undefined) this.#engine.tell(id, { type: 'wake' });
  }

  /** A workflow has ended, durably. */
  ended({ id, actor }: Activation): void {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined || !(actor instanceof WorkflowActor)) return;
    const answer: ReadAnswer = { found: snapshotOf(actor, this.#around()) };
    for (const resolve of waiters) resolve(answer);
  }

  /** Whoever waits for a workflow of a lost shard has to ask its new owner. */
  lost(shard: Shard): void {
    for (const [id, waiters] of this.#waiters) {
      if (shardOf(id, this.#shards) !== shard.number) continue;
      for (const resolve of waiters) resolve({ moved: true });
    }
  }

  async #ask(id: string, waitMs: number): Promise<ReadAnswer | null> {
    const owner = this.#ownership.ownerOf(shardOf(id, this.#shards));
    if (owner === null) return null;
    if (owner === this.#node) return await this.#answer(id, waitMs);
    const call = this.#answers.open();
    try {
      this.#courier.post(owner, { t: 'read', call: call.id, from: this.#node, id, waitMs });
      return await call.within(waitMs + patienceMs);
    } finally {
      call.close();
    }
  }

  async #answer(id: string, waitMs: number): Promise<ReadAnswer> {
    const shard = this.#engine.openShardOf(id);
    if (shard === null) return { moved: true };
    const actor = shard.activations.get(id)?.actor;
    if (shard.damaged.has(id)) return { setAside: true };
    if (actor === undefined) {
      const stored = await this.#stored(id);
      const running = stored !== null && stored.workflow.ended_at === undefined;
      return running && waitMs > 0 ? await this.#wait(id, waitMs) : { found: stored };
    }
    if (!(actor instanceof WorkflowActor)) return { found: null };
    if (waitMs > 0 && !actor.closed) return await this.#wait(id, waitMs);
    return await this.#shown(shard, actor);
  }

  /** What is in memory now, told once it is durable. */
  async #shown(shard: Shard, actor: WorkflowActor): Promise<ReadAnswer> {
    const found = snapshotOf(actor, this.#around());
    return (await shard.durable()) ? { found } : { moved: true };
  }

  async #wait(id: string, waitMs: number): Promise<ReadAnswer> {
    if (this.#waiterCount >= waitersPerNode) {
      throw new ClusterError('OVERLOADED', `${waitersPerNode} results are awaited on this node`);
    }
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    const { promise, resolve } = Promise.withResolvers<ReadAnswer | null>();
    waiters.add(resolve);
    this.#waiterCount += 1;
    const timer = setTimeout(resolve, waitMs, null);
    try {
      return (await promise) ?? (await this.#answer(id, 0));
    } finally {
      clearTimeout(timer);
      this.#waiterCount -= 1;
      waiters.delete(resolve);
      if (waiters.size === 0) this.#waiters.delete(id);
    }
  }

  async #stored(id: string): Promise<WorkflowSnapshot | null> {
    const shard = shardOf(id, this.#shards);
    const [snapshot] = await this.#snapshots.load([{ shard, id }]);
    const actor = snapshot === undefined ? null : await this.#engine.loader.restore(snapshot);
    return actor instanceof WorkflowActor ? snapshotOf(actor, this.#around()) : null;
  }
}

function snapshotOf(
  { plan, state, seq, closed }: WorkflowActor,
  around: Surroundings,
): WorkflowSnapshot | null {
  if (state === null) return null;
  const shown = { seq, workflow: workflowView(plan, state, around), graph: plan.graph };
  if (!closed) return { ...shown, tasks: taskViews(plan, state) };
  // This state does not change any more (opening it again makes another), and who waits for a result seldom looks at the tasks.
  return {
    ...shown,
    get tasks() {
      return taskViews(plan, state);
    },
  };
}

/** What is stored while nobody decides for it: how far it was, and that nothing happens until somebody does again. */
function ownerless(stored: WorkflowSnapshot, shard: number): WorkflowSnapshot {
  const { workflow } = stored;
  if (workflow.ended_at !== undefined) return stored;
  return {
    ...stored,
    workflow: { ...workflow, why: { code: 'WAITING_FOR_OWNER', params: { shard } } },
  };
}
