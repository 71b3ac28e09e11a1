import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import type { ClusterApi, WorkflowChange, WorkflowSnapshot } from '#cluster/api.ts';

import { lineCard, rowCard, taskCard, workflowCard, workflowData } from './cards.ts';
import { apply, newestFirst } from './live-picture.ts';
import {
  type LogLine,
  logLimit,
  type Operation,
  rowLimit,
  type WorkflowRow,
} from './live-protocol.ts';
import { TopicState } from './live-topic.ts';

/*
 * Where the data of a topic comes from. Each source turns the feed on first and reads the state after, so that no change
 * falls between; then it follows the feed, and reads again when it cannot be sure that it has everything.
 */
export interface Source {
  /** Rejects when there is no such thing, or it cannot be read now. */
  readonly opened: Promise<TopicState>;
  close(): void;
}

export interface Watch {
  readonly cluster: ClusterApi;
  /** Called after every advance of the state. */
  readonly changed: () => void;
  readonly failed: (error: unknown) => void;
}

// What the owner tells may be lost on the way: of whatever is still going on and has been silent for so long, it is asked.
const silenceMs = 1_000;
const silenceLimitMs = 30_000;
const logLagMs = 1_000;
// The list may lag the owners by a second (ClusterApi.list), and by more while the shards of a dead node go to others.
const listLagMs = 1_500;
const takeoverMs = 6_000;
const countsEveryMs = 1_000;
/** The rest after counting is so many times as long as the counting. */
const countingShare = 10;
const bufferLimit = 1_000;
const restAfterFailureMs = 1_000;
// Log lines are no events and have no numbers, but watchers must hear of them in order: they move the version by this much.
const betweenEvents = 1e-6;

/** `workflow:<id>`: versions are the numbers of its events, so any node can serve a watcher that comes from another. */
export class WorkflowSource implements Source {
  readonly opened: Promise<TopicState>;
  readonly #id: string;
  readonly #watch: Watch;
  readonly #unwatch: () => void;
  readonly #stop = new AbortController();
  /** Changes that came while the state was read. */
  #early: WorkflowChange[] = [];
  #state: TopicState | null = null;
  /** Until it is done, changes wait: what is read may be older or newer than they are. */
  #reading = true;
  #heardAt = performance.now();
  #patienceMs = silenceMs;
  #asking = false;

  constructor(id: string, watch: Watch) {
    this.#id = id;
    this.#watch = watch;
    this.#unwatch = watch.cluster.live.watchWorkflow(id, (change) => this.#hear(change));
    this.opened = this.#open();
  }

  close(): void {
    this.#stop.abort();
    this.#unwatch();
  }

  async #open(): Promise<TopicState> {
    const { snapshot, logs } = await this.#fetch();
    const state = new TopicState('', snapshot.seq, workflowData(snapshot, logs));
    this.#state = state;
    this.#reading = false;
    this.#hearEarly();
    if (!this.#asking) this.#own(this.#askWhenSilent());
    return state;
  }

  async #fetch(): Promise<{ snapshot: WorkflowSnapshot; logs: readonly LogLine[] }> {
    const [snapshot, logs] = await Promise.all([
      this.#watch.cluster.workflow(this.#id),
      this.#watch.cluster.logs(this.#id, { limit: logLimit }),
    ]);
    return { snapshot, logs: logs.map(lineCard) };
  }

  #hear(change: WorkflowChange): void {
    this.#heardAt = performance.now();
    this.#patienceMs = silenceMs;
    if (this.#reading || this.#state === null) {
      // Dropping the oldest makes a gap, which the newest then shows.
      if (this.#early.push(change) > bufferLimit) this.#early.shift();
    } else {
      this.#take(this.#state, change);
    }
  }

  #hearEarly(): void {
    const early = this.#early;
    this.#early = [];
    for (const change of early) this.#hear(change);
  }

  #take(state: TopicState, change: WorkflowChange): void {
    const lines: readonly Operation[] =
      change.logs.length === 0 ? [] : [{ op: 'logs', lines: change.logs.map(lineCard) }];
    if (change.seq === change.fromSeq) {
      // Lines alone do not wait for a commit, so they may be ahead of the events, and say nothing of a gap.
      if (lines.length > 0) this.#advance(state, state.ver + betweenEvents, lines);
    } else if (change.fromSeq > state.ver) {
      this.#early.push(change);
      this.#readAgain();
    } else if (change.seq > state.ver) {
      this.#advance(state, change.seq, [
        { op: 'workflow', workflow: workflowCard(change.workflow) },
        ...change.tasks.map((task): Operation => ({ op: 'task', task: taskCard(task) })),
        ...lines,
      ]);
    }
  }

  #advance(state: TopicState, ver: number, ops: readonly Operation[]): void {
    state.advance(ver, ops);
    this.#watch.changed();
    // What has failed may be retried, and is silent no more.
    if (!this.#asking && !this.#ended()) this.#own(this.#askWhenSilent());
  }

  #readAgain(): void {
    if (this.#reading || this.#stop.signal.aborted) return;
    this.#reading = true;
    const reading = this.#read()
      .catch(async (error: unknown) => {
        this.#watch.failed(error);
        await sleep(restAfterFailureMs, undefined, { signal: this.#stop.signal, ref: false });
      })
      .finally(() => {
        this.#reading = false;
        this.#hearEarly();
      });
    this.#own(reading);
  }

  async #read(): Promise<void> {
    const { snapshot, logs } = await this.#fetch();
    const state = this.#state;
    if (state === null || this.#stop.signal.aborted) return;
    const lines: Operation = { op: 'logs', lines: logs };
    if (snapshot.seq <= state.ver) {
      if (hasMoreLines(state, lines)) this.#advance(state, state.ver + betweenEvents, [lines]);
      // A change that is ahead of what can be read waits for another reading, which must not follow at once.
      if (this.#early.length > 0) {
        await sleep(restAfterFailureMs / 10, undefined, { signal: this.#stop.signal, ref: false });
      }
      return;
    }
    this.#advance(state, snapshot.seq, [
      { op: 'workflow', workflow: workflowCard(snapshot.workflow) },
      ...snapshot.tasks.map((task): Operation => ({ op: 'task', task: taskCard(task) })),
      lines,
    ]);
  }

  async #askWhenSilent(): Promise<void> {
    const { signal } = this.#stop;
    this.#asking = true;
    while (!this.#ended()) {
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs < this.#patienceMs) {
        await sleep(this.#patienceMs - silentMs, undefined, { signal, ref: false });
        continue;
      }
      // Log lines that were lost are in the store, which is read once after each activity; the owner knows the rest.
      if (this.#patienceMs === silenceMs) this.#readAgain();
      else await this.#askOwner();
      this.#heardAt = performance.now();
      this.#patienceMs = Math.min(this.#patienceMs * 2, silenceLimitMs);
    }
    this.#asking = false;
    // Log lines are stored a little after the attempt that wrote them, and the owner may have forgotten the workflow by then.
    await sleep(logLagMs, undefined, { signal, ref: false });
    this.#readAgain();
  }

  /** From memory to memory: a page that is only open costs no statement. */
  async #askOwner(): Promise<void> {
    try {
      const { seq, workflow } = await this.#watch.cluster.workflow(this.#id);
      const state = this.#state;
      if (state === null || state.data.kind !== 'workflow') return;
      if (seq > state.ver) this.#readAgain();
      if (seq !== Math.floor(state.ver)) return;
      // Why it is where it is may change though nothing happens to it.
      const card = workflowCard(workflow);
      if (isDeepStrictEqual(card, state.data.workflow)) return;
      this.#advance(state, state.ver + betweenEvents, [{ op: 'workflow', workflow: card }]);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#watch.failed(error);
    }
  }

  #ended(): boolean {
    const data = this.#state?.data;
    return data?.kind === 'workflow' && data.workflow.ended_at !== undefined;
  }

  #own(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#watch.failed(error);
    });
  }
}

function hasMoreLines({ data }: TopicState, lines: Operation): boolean {
  const after = apply(data, [lines]);
  return data.kind === 'workflow' && after.kind === 'workflow' && after.logs !== data.logs;
}

/** `workflows`: the newest rows and the counts. Versions are this node's own, so another node is another epoch. */
export class ListSource implements Source {
  readonly opened: Promise<TopicState>;
  readonly #watch: Watch;
  readonly #unwatch: () => void;
  readonly #stop = new AbortController();
  #early: WorkflowRow[] = [];
  #state: TopicState | null = null;
  #counting = false;
  #changedAt = 0;
  #comparing = false;
  /** Changes may have been missed since the list was last read. */
  #doubtful = false;

  constructor(watch: Watch) {
    this.#watch = watch;
    this.#unwatch = watch.cluster.live.watchRows(
      (rows) => this.#hear(rows.map(rowCard)),
      () => this.#doubt(),
    );
    this.opened = this.#open();
  }

  close(): void {
    this.#stop.abort();
    this.#unwatch();
  }

  async #open(): Promise<TopicState> {
    const { cluster } = this.#watch;
    const [rows, counts] = await Promise.all([this.#list(), cluster.stats()]);
    const data = { kind: 'list' as const, counts, rows: newestFirst(rows), missed: 0 };
    const state = new TopicState(randomUUID(), 0, data);
    this.#state = state;
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) this.#hear(early);
    // What changed just before is told by nobody, and may not be in the list yet.
    this.#doubt();
    return state;
  }

  async #list(): Promise<readonly WorkflowRow[]> {
    const { rows } = await this.#watch.cluster.list({ limit: rowLimit });
    return rows.map(rowCard);
  }

  #hear(rows: readonly WorkflowRow[]): void {
    if (this.#state === null) {
      this.#early = [...this.#early, ...rows].slice(-bufferLimit);
      return;
    }
    this.#advance(rows.map((row) => ({ op: 'row', row })));
    this.#own(this.#count());
  }

  #advance(ops: readonly Operation[]): void {
    const state = this.#state;
    if (state === null || ops.length === 0 || this.#stop.signal.aborted) return;
    state.advance(state.ver + 1, ops);
    this.#watch.changed();
  }

  /**
   * Reads the counts soon after a change, at most once in `countsEveryMs`, and goes on until they are read so long after the
   * last change that the store must have it. Counting a million takes a while: most of the time nobody counts.
   */
  async #count(): Promise<void> {
    this.#changedAt = performance.now();
    if (this.#counting) return;
    this.#counting = true;
    try {
      for (let askedAt = 0; askedAt < this.#changedAt + listLagMs;) {
        askedAt = performance.now();
        await this.#readCounts();
        const tookMs = performance.now() - askedAt;
        const restMs = Math.max(countsEveryMs, tookMs * countingShare);
        await sleep(restMs, undefined, { signal: this.#stop.signal, ref: false });
      }
    } finally {
      this.#counting = false;
    }
  }

  async #readCounts(): Promise<void> {
    try {
      const counts = await this.#watch.cluster.stats();
      const data = this.#state?.data;
      if (data?.kind !== 'list' || isDeepStrictEqual(counts, data.counts)) return;
      this.#advance([{ op: 'counts', counts }]);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#watch.failed(error);
      this.#changedAt = performance.now();
    }
  }

  #doubt(): void {
    this.#doubtful = true;
    if (!this.#comparing) this.#own(this.#settleDoubts());
  }

  /** Nobody asks the store as long as nothing was missed: a page that is only open costs no statement. */
  async #settleDoubts(): Promise<void> {
    const { signal } = this.#stop;
    this.#comparing = true;
    try {
      while (this.#doubtful) {
        await sleep(listLagMs, undefined, { signal, ref: false });
        this.#doubtful = false;
        await this.#tryToCompare();
        await sleep(takeoverMs, undefined, { signal, ref: false });
        await this.#tryToCompare();
      }
    } finally {
      this.#comparing = false;
    }
  }

  async #tryToCompare(): Promise<void> {
    try {
      await this.#compare();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#watch.failed(error);
      this.#doubtful = true;
    }
  }

  async #compare(): Promise<void> {
    const [listed, counts] = await Promise.all([this.#list(), this.#watch.cluster.stats()]);
    const data = this.#state?.data;
    if (data?.kind !== 'list') return;
    const known = new Map(data.rows.map((row) => [row.id, row.seq]));
    this.#advance([
      { op: 'missed', missed: data.missed + 1 },
      ...listed
        .filter((row) => (known.get(row.id) ?? -1) < row.seq)
        .map((row): Operation => ({ op: 'row', row })),
      ...(JSON.stringify(counts) === JSON.stringify(data.counts)
        ? []
        : [{ op: 'counts' as const, counts }]),
    ]);
  }

  #own(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#watch.failed(error);
    });
  }
}
