import { collectDefaultMetrics, Registry } from 'prom-client';

import type { Node } from '#cluster/node.ts';
import type { Notices } from '#cluster/notices.ts';
import type { Door, DoorOptions } from '#http/server.ts';

import { ByName } from './by-name.ts';
import { type Families, familiesOf } from './families.ts';
import { namesLimit, NoticeCounts } from './notice-counts.ts';
import { textOf } from './tally.ts';

/** A scrape goes on without what Redis does not tell in this time. */
const queuesWithinMs = 1_000;

/**
 * The metrics of one node, with a registry of its own: several nodes in a process do not mix. Counters follow the notices from
 * the beginning on; gauges are read when somebody asks.
 */
export class NodeMetrics {
  readonly #registry = new Registry();
  readonly #families: Families;
  readonly #counts: NoticeCounts;
  #node: Pick<Node, 'gauges' | 'queues'> | null = null;
  #door: Pick<Door, 'load'> | null = null;

  constructor(notices: Notices, { version }: { readonly version: string }) {
    this.#families = familiesOf(this.#registry);
    // By their usual names, so that any dashboard for Node.js shows them.
    collectDefaultMetrics({ register: this.#registry });
    this.#families.buildInfo.set({ version, node_version: process.versions.node }, 1);
    this.#counts = new NoticeCounts(this.#families);
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
    return {
      metrics: async () => await this.exposition(),
      observer: {
        answered: ({ method, route, status, ms }) => {
          this.#families.httpRequest.observe({ method, route, status }, ms / 1_000);
        },
        resynced: (reason) => this.#families.uiResyncs.inc({ reason }),
      },
    };
  }

  /** What a scrape gets. */
  async exposition(): Promise<{ readonly contentType: string; readonly text: string }> {
    await this.#readQueues();
    this.#readGauges();
    this.#counts.settle();
    // Both at the same moment: prom-client takes its numbers before it waits for anything.
    const tallied = this.#counts.histograms().map(textOf);
    const text = [await this.#registry.metrics(), ...tallied].join('\n');
    return { contentType: this.#registry.contentType, text };
  }

  /** Name, type, labels and meaning of every metric, for the documentation. */
  async describe(): Promise<readonly MetricDescription[]> {
    const described = await this.#registry.getMetricsAsJSON();
    const labels = new Map(this.#registry.getMetricsAsArray().map(labelsOf));
    const own = described.map(({ name, help, type }) => ({
      name,
      type: String(type),
      labels: labels.get(name) ?? [],
      help,
    }));
    const counted = this.#counts
      .histograms()
      .map(({ name, labels: of, help }) => ({ name, type: 'histogram', labels: of, help }));
    return [...own, ...counted].toSorted((one, other) => one.name.localeCompare(other.name));
  }

  #readGauges(): void {
    if (this.#door !== null) {
      const { sockets, topics } = this.#door.load();
      this.#families.uiSockets.set(sockets);
      this.#families.uiTopics.set(topics);
    }
    if (this.#node === null) return;
    const set = this.#families;
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
  async #readQueues(): Promise<void> {
    const { queueBacklog, queueLeased, queueOldestAge } = this.#families;
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
