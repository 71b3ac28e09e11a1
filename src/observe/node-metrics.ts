import type { Node } from '#cluster/node.ts';
import type { Notices } from '#cluster/notices.ts';
import type { Door, DoorOptions } from '#http/server.ts';

import { ByName } from './by-name.ts';
import { DoorCounts } from './door-counts.ts';
import type { Families, openRegistry } from './families.ts';
import { namesLimit, NoticeCounts } from './notice-counts.ts';
import { type TalliedHistogram, textOf } from './tally.ts';

/** A scrape goes on without what Redis does not tell in this time. */
const queuesWithinMs = 1_000;

/**
 * The metrics of one node, with a registry of its own: several nodes in a process do not mix. Counters follow the notices from
 * the beginning on; gauges are read when somebody asks. prom-client is loaded with the first question: that takes 50 ms of
 * a core, which a start can do without.
 */
export class NodeMetrics {
  readonly #version: string;
  readonly #counts = new NoticeCounts();
  readonly #doorCounts = new DoorCounts();
  #opened: Promise<ReturnType<typeof openRegistry>> | null = null;
  #node: Pick<Node, 'gauges' | 'queues'> | null = null;
  #door: Pick<Door, 'load'> | null = null;

  constructor(notices: Notices, { version }: { readonly version: string }) {
    this.#version = version;
    this.#counts.listen(notices);
  }

  watchNode(node: Pick<Node, 'gauges' | 'queues'>): void {
    this.#node = node;
  }

  watchDoor(door: Pick<Door, 'load'>): void {
    this.#door = door;
  }

  /** What the door shows, and whom it tells of its requests and pages. */
  get forDoor(): Required<Pick<DoorOptions, 'metrics' | 'observer'>> {
    return { metrics: async () => await this.exposition(), observer: this.#doorCounts };
  }

  /** What a scrape gets. */
  async exposition(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { registry, families } = await this.#open();
    await this.#readQueues(families);
    this.#readGauges(families);
    this.#counts.settle(families);
    this.#doorCounts.settle(families);
    // All at the same moment: prom-client takes its numbers before it waits for anything.
    const histograms = this.#histograms().map(textOf);
    const text = [await registry.metrics(), ...histograms].join('\n');
    return { contentType: registry.contentType, text };
  }

  /** Name, type, labels and meaning of every metric, for the documentation. */
  async describe(): Promise<readonly MetricDescription[]> {
    const { registry } = await this.#open();
    const labelsByName = new Map(registry.getMetricsAsArray().map(labelsOf));
    const counted = (await registry.getMetricsAsJSON()).map(({ name, help, type }) => ({
      name,
      type: String(type),
      labels: labelsByName.get(name) ?? [],
      help,
    }));
    const tallied = this.#histograms().map(({ name, labels, help }) => {
      return { name, type: 'histogram', labels, help };
    });
    return [...counted, ...tallied].toSorted((one, other) => one.name.localeCompare(other.name));
  }

  #histograms(): readonly TalliedHistogram[] {
    return [...this.#counts.histograms(), ...this.#doorCounts.histograms()];
  }

  async #open(): Promise<ReturnType<typeof openRegistry>> {
    this.#opened ??= import('./families.ts').then((families) =>
      families.openRegistry({ version: this.#version }),
    );
    return await this.#opened;
  }

  #readGauges(set: Families): void {
    if (this.#door !== null) {
      const { sockets, topics } = this.#door.load();
      set.uiSockets.set(sockets);
      set.uiTopics.set(topics);
    }
    if (this.#node === null) return;
    const gauges = this.#node.gauges();
    for (const [type, count] of Object.entries(gauges.actors)) set.actors.set({ type }, count);
    // A total that the node keeps itself.
    set.actorActivations.reset();
    set.actorActivations.inc(gauges.activated);
    set.shards.set(gauges.shards);
    set.tasksRunning.set(gauges.work.running);
    set.tasksWaiting.set(gauges.work.waiting);
    set.timersPending.set(gauges.timers);
    set.nodeDraining.set(gauges.draining ? 1 : 0);
    for (const [state, count] of Object.entries(gauges.members)) {
      set.clusterMembers.set({ state }, count);
    }
    for (const [server, isUp] of Object.entries(gauges.servers)) {
      set.serverUp.set({ server }, isUp ? 1 : 0);
    }
    for (const [pool, { inUse, waiting, size }] of Object.entries(gauges.connections)) {
      set.dbPoolInUse.set({ pool }, inUse);
      set.dbPoolWaiting.set({ pool }, waiting);
      set.dbPoolSize.set({ pool }, size);
    }
    for (const [pool, { threads, busy, waiting, capacity }] of Object.entries(gauges.threads)) {
      set.threadPoolUtilization.set({ pool }, busy / capacity);
      set.threadPoolThreads.set({ pool }, threads);
      set.threadPoolWaiting.set({ pool }, waiting);
    }
  }

  /** Queues that nobody can tell about now are left out: an old number would look like a new one. */
  async #readQueues({ queueBacklog, queueLeased, queueOldestAge }: Families): Promise<void> {
    const found = this.#node === null ? [] : await within(queuesWithinMs, this.#node.queues());
    for (const family of [queueBacklog, queueLeased, queueOldestAge]) family.reset();
    // Anew each time: a queue that is gone makes room for others.
    const queues = new ByName(namesLimit, () => ({ ready: 0, leased: 0, oldestMs: 0 }));
    for (const { queue, ready, leased, oldestMs } of found ?? []) {
      const sum = queues.of(queue);
      sum.ready += ready;
      sum.leased += leased;
      sum.oldestMs = Math.max(sum.oldestMs, oldestMs);
    }
    for (const [queue, { ready, leased, oldestMs }] of queues) {
      queueBacklog.set({ queue }, ready);
      queueLeased.set({ queue }, leased);
      queueOldestAge.set({ queue }, oldestMs / 1_000);
    }
  }
}

export interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Null when it fails or takes too long: who scrapes wants the rest. */
async function within<Value>(ms: number, asked: Promise<Value>): Promise<Value | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), ms);
  try {
    return await Promise.race([asked.catch(() => null), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

// The types of prom-client leave them out.
function labelsOf(metric: { readonly name: string }): readonly [string, readonly string[]] {
  const labels =
    'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];
  return [metric.name, labels.map(String)];
}
