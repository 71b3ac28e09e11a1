import { WorkflowActor } from '#actors/actor.ts';
import type { ActorEvent } from '#actors/actor.ts';
import type { Surroundings } from '#actors/why.ts';
import { taskViews, workflowView } from '#actors/workflow-view.ts';

import type { TaskLogLine, WorkflowChange, WorkflowRow } from '../api.ts';
import { Duty } from '../duty.ts';
import type { Courier } from '../messages/courier.ts';
import type { NodeMessage } from '../messages/wire.ts';
import type { Notices } from '../notices.ts';
import type { Activation } from '../shards/activation.ts';
import type { Batch, BatchEntry } from '../shards/batch.ts';
import type { Engine } from '../shards/engine.ts';
import { workflowRow } from './workflow-row.ts';

/** A watcher that does not say again that it watches is forgotten after this long. */
export const watchForMs = 10_000;
const rowsEveryMs = 100;
const rowsPerMessage = 200;
/** Bunches of log lines that wait for a commit; while MySQL is away the oldest are let go: the log has them. */
const logsWaitingLimit = 500;

type WatchRows = Extract<NodeMessage, { readonly t: 'watchRows' }>;

/**
 * The owner's half of the live feed: tells the nodes that watch what was committed. Nobody watching costs nothing.
 *
 * Changes of a watched workflow are taken when its batch is complete and sent when it is durable, so that what is shown is
 * always a state that the journal holds. Rows of lists are coalesced: the newest state of each, ten times a second.
 */
export class LivePublisher {
  readonly #node: string;
  readonly #courier: Courier;
  readonly #engine: Engine;
  readonly #around: () => Surroundings;
  readonly #rows: Duty;
  readonly #watchers = new Map<string, Map<string, number>>();
  readonly #rowWatchers = new Map<string, { readonly until: number; readonly sent: number }>();
  readonly #changed = new Set<Activation>();
  /** Lines of workflows whose state in memory was ahead of the journal when they came. */
  readonly #logsWaiting: { readonly id: string; readonly logs: readonly TaskLogLine[] }[] = [];

  constructor(parts: {
    node: string;
    courier: Courier;
    engine: Engine;
    notices: Notices;
    around(): Surroundings;
  }) {
    this.#node = parts.node;
    this.#courier = parts.courier;
    this.#engine = parts.engine;
    this.#around = () => parts.around();
    this.#rows = new Duty('show rows', rowsEveryMs, parts.notices, async () => {
      for (const { id, logs } of this.#logsWaiting.splice(0)) this.logged(id, logs);
      this.#sendRows();
      this.#forgetSilent();
    });
  }

  start(): void {
    this.#rows.start();
  }

  async stop(): Promise<void> {
    await this.#rows.stop();
  }

  /** Returns those that this node has not watched here before. */
  watch(node: string, ids: readonly string[]): readonly string[] {
    const until = Date.now() + watchForMs;
    const fresh = ids.filter((id) => this.#watchers.get(id)?.has(node) !== true);
    for (const id of ids) {
      let nodes = this.#watchers.get(id);
      if (nodes === undefined) this.#watchers.set(id, (nodes = new Map()));
      nodes.set(node, until);
    }
    return fresh;
  }

  unwatch(node: string, id: string): void {
    const nodes = this.#watchers.get(id);
    nodes?.delete(node);
    if (nodes?.size === 0) this.#watchers.delete(id);
  }

  isWatched(id: string): boolean {
    return this.#watchers.has(id);
  }

  watchRows({ from, on, seen }: WatchRows): void {
    if (!on) {
      this.#rowWatchers.delete(from);
      return;
    }
    const sent = this.#rowWatchers.get(from)?.sent ?? 0;
    const known = this.#rowWatchers.has(from);
    this.#rowWatchers.set(from, { until: Date.now() + watchForMs, sent });
    // Whoever lacks the newest, or counts on from another watch, sees it by this number.
    if (!known || seen !== sent) this.#post(from, sent, []);
  }

  /** The batch is complete, and not yet durable. */
  departing(batch: Batch): void {
    if (this.#watchers.size === 0 && this.#rowWatchers.size === 0) return;
    for (const entry of batch.entries.values()) {
      const { activation } = entry;
      if (this.#rowWatchers.size > 0) batch.afterwards.push(() => this.#changed.add(activation));
      const nodes = this.#watchers.get(activation.id);
      if (nodes === undefined) continue;
      const change = changeOf(entry, this.#around());
      if (change !== null) batch.afterwards.push(() => this.#send(nodes.keys(), change));
    }
  }

  /** Lines that a handler has logged. */
  logged(id: string, logs: readonly TaskLogLine[]): void {
    const nodes = this.#watchers.get(id);
    const activation = this.#engine.activation(id);
    const actor = activation?.actor;
    if (nodes === undefined || !(actor instanceof WorkflowActor) || actor.state === null) return;
    if (activation?.isQuiet !== true) {
      if (this.#logsWaiting.length >= logsWaitingLimit) this.#logsWaiting.shift();
      this.#logsWaiting.push({ id, logs });
      return;
    }
    const { seq } = actor;
    const workflow = workflowView(actor.plan, actor.state, this.#around());
    this.#send(nodes.keys(), { id, fromSeq: seq, seq, workflow, tasks: [], logs });
  }

  #send(nodes: Iterable<string>, change: WorkflowChange): void {
    for (const node of nodes) this.#courier.post(node, { t: 'change', change });
  }

  #sendRows(): void {
    const rows = [];
    for (const activation of this.#changed) {
      const { actor } = activation;
      if (!activation.isQuiet) continue;
      this.#changed.delete(activation);
      if (actor instanceof WorkflowActor && actor.state !== null) {
        rows.push(workflowRow(actor.state, actor.seq, { payloads: false }));
      }
      if (rows.length >= rowsPerMessage) break;
    }
    if (rows.length === 0) return;
    for (const [node, { until, sent }] of this.#rowWatchers) {
      this.#rowWatchers.set(node, { until, sent: sent + 1 });
      this.#post(node, sent + 1, rows);
    }
    if (this.#changed.size > 0) this.#rows.nudge();
  }

  #post(node: string, n: number, rows: readonly WorkflowRow[]): void {
    this.#courier.post(node, { t: 'rows', from: this.#node, n, rows });
  }

  #forgetSilent(): void {
    const now = Date.now();
    for (const [node, { until }] of this.#rowWatchers) {
      if (until < now) this.#rowWatchers.delete(node);
    }
    for (const [id, nodes] of this.#watchers) {
      for (const [node, until] of nodes) if (until < now) this.unwatch(node, id);
    }
    if (this.#rowWatchers.size === 0) this.#changed.clear();
  }
}

function changeOf(
  { activation, first, decided }: BatchEntry,
  around: Surroundings,
): WorkflowChange | null {
  const { actor } = activation;
  if (!(actor instanceof WorkflowActor) || actor.state === null) return null;
  const steps = new Set(decided.flatMap(stepsOf));
  return {
    id: actor.id,
    fromSeq: first - 1,
    seq: actor.seq,
    workflow: workflowView(actor.plan, actor.state, around),
    tasks: taskViews(actor.plan, actor.state).filter((_, step) => steps.has(step)),
    logs: [],
  };
}

function stepsOf(event: ActorEvent): readonly number[] {
  if ('step' in event) return [event.step];
  return event.type === 'workflow.retried' ? event.steps : [];
}
