import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { nodeDots, rowCard } from './cards.ts';
import {
  type NodeDot,
  type Operation,
  type OverviewData,
  overviewLimits,
  type WorkflowRow,
} from './live-protocol.ts';
import type { Source, Watch } from './live-sources.ts';
import { TopicState } from './live-topic.ts';

const readEveryMs = 2_000;
/** The rest after a reading is so many times as long as the reading: counting a million takes a while. */
const readingShare = 10;
// Lists lag their owners by a second, throughput by some more, and by more still while the shards of a dead node go to others.
const settleMs = 6_000;
const lookAtNodesEveryMs = 1_000;
/** How deep the list is looked into for the oldest that runs; where more run, it is one that is nearly as old. */
const oldestLimit = 10_000;

/**
 * `overview`: what is going on, at a glance. Rows are shown as they are told. All else is read from the store, every two
 * seconds while something changes and for a while after, so that a page that is only open costs no statement; nodes are
 * looked up in memory. Versions are this node's own, so another node is another epoch.
 */
export class OverviewSource implements Source {
  readonly opened: Promise<TopicState>;
  readonly #watch: Watch;
  readonly #unwatch: () => void;
  readonly #stop = new AbortController();
  #state: TopicState | null = null;
  #heardAt = performance.now();
  /** Ids that were told while the store was read: what was read may not have them yet. */
  #told = new Set<string>();
  #reading = false;

  constructor(watch: Watch) {
    this.#watch = watch;
    this.#unwatch = watch.cluster.live.watchRows(
      (rows) => this.#hear(rows.map(rowCard)),
      () => this.#stir(),
    );
    this.opened = this.#open();
  }

  close(): void {
    this.#stop.abort();
    this.#unwatch();
  }

  async #open(): Promise<TopicState> {
    const [read, nodes] = await Promise.all([this.#read(), this.#nodes()]);
    const data: OverviewData = { kind: 'overview', ...read, nodes };
    const state = new TopicState(randomUUID(), 0, data);
    this.#state = state;
    // What was told while it was read, and what changed just before, is read again.
    this.#stir();
    this.#own(this.#lookAtNodes());
    return state;
  }

  #hear(rows: readonly WorkflowRow[]): void {
    const data = this.#state?.data;
    if (data?.kind === 'overview') {
      for (const { id } of rows) this.#told.add(id);
      this.#advance(rows.filter((row) => isSeen(data, row)).map((row) => ({ op: 'row', row })));
    }
    this.#stir();
  }

  /** Something has changed, or may have: reads until it has been quiet for a while. */
  #stir(): void {
    this.#heardAt = performance.now();
    if (this.#reading || this.#state === null) return;
    this.#reading = true;
    this.#own(
      this.#readWhileItChanges().finally(() => {
        this.#reading = false;
      }),
    );
  }

  async #readWhileItChanges(): Promise<void> {
    const { signal } = this.#stop;
    let tookMs = 0;
    do {
      const restMs = Math.max(readEveryMs, tookMs * readingShare);
      await sleep(restMs, undefined, { signal, ref: false });
      const askedAt = performance.now();
      await this.#compare().catch((error: unknown) => {
        this.#watch.failed(error);
        this.#heardAt = performance.now();
      });
      tookMs = performance.now() - askedAt;
    } while (performance.now() - this.#heardAt < settleMs);
  }

  async #compare(): Promise<void> {
    this.#told = new Set();
    const { counts, minutes, recent, failures, oldest } = await this.#read();
    const data = this.#state?.data;
    if (data?.kind !== 'overview') return;
    const known = new Map([...data.failures, ...data.recent].map((row) => [row.id, row.seq]));
    const newer = [...recent, ...failures].filter((row) => (known.get(row.id) ?? -1) < row.seq);
    const failed = new Set([...failures.map(({ id }) => id), ...this.#told]);
    const stale = data.failures.some(({ id }) => !failed.has(id));
    const before = new Map(data.minutes.map((minute) => [minute.at, minute]));
    this.#advance([
      ...newer.map((row): Operation => ({ op: 'row', row })),
      ...(stale ? [{ op: 'failures' as const, ids: [...failed] }] : []),
      ...(same(counts, data.counts) ? [] : [{ op: 'counts' as const, counts }]),
      ...(same(oldest, data.oldest) ? [] : [{ op: 'oldest' as const, row: oldest }]),
      ...minutes
        .filter((minute) => !same(minute, before.get(minute.at)))
        .map((minute): Operation => ({ op: 'minute', minute })),
    ]);
  }

  async #read(): Promise<Omit<OverviewData, 'kind' | 'nodes'>> {
    const { cluster } = this.#watch;
    const oldest = async (): Promise<WorkflowRow | null> => {
      const running = await cluster.count({ states: ['running'] });
      if (running === 0) return null;
      const offset = Math.min(running, oldestLimit) - 1;
      const { rows } = await cluster.list({ states: ['running'], limit: 1, offset });
      return rows.map(rowCard)[0] ?? null;
    };
    const [counts, minutes, recent, failures, longest] = await Promise.all([
      cluster.stats(),
      cluster.throughput(overviewLimits.minutes),
      cluster.list({ limit: overviewLimits.recent }),
      cluster.list({ states: ['failed'], limit: overviewLimits.failures }),
      oldest(),
    ]);
    return {
      counts,
      minutes: minutes.filter((minute) => minute.started + ended(minute) > 0),
      recent: recent.rows.map(rowCard),
      failures: failures.rows.map(rowCard),
      oldest: longest,
    };
  }

  async #nodes(): Promise<readonly NodeDot[]> {
    const { nodes } = await this.#watch.cluster.cluster();
    return nodeDots(nodes);
  }

  async #lookAtNodes(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await sleep(lookAtNodesEveryMs, undefined, { signal, ref: false });
      const nodes = await this.#nodes();
      const data = this.#state?.data;
      if (data?.kind === 'overview' && !same(nodes, data.nodes)) {
        this.#advance([{ op: 'nodes', nodes }]);
      }
    }
  }

  #advance(ops: readonly Operation[]): void {
    const state = this.#state;
    if (state === null || ops.length === 0 || this.#stop.signal.aborted) return;
    state.advance(state.ver + 1, ops);
    this.#watch.changed();
  }

  #own(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#watch.failed(error);
    });
  }
}

/** Whether a row changes anything that is shown. */
function isSeen(data: OverviewData, row: WorkflowRow): boolean {
  const last = data.recent.at(-1);
  return (
    row.state === 'failed' ||
    data.recent.length < overviewLimits.recent ||
    (last !== undefined && row.created_at >= last.created_at) ||
    data.failures.some(({ id }) => id === row.id)
  );
}

function ended(minute: { completed: number; failed: number; canceled: number }): number {
  return minute.completed + minute.failed + minute.canceled;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
