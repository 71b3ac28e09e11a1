import type { ClusterApi } from '#cluster/api.ts';

import type { DoorLog } from './door-log.ts';
import { ClusterSource } from './live-cluster.ts';
import { OverviewSource } from './live-overview.ts';
import { ListSource, type Source, type Watch, WorkflowSource } from './live-sources.ts';
import type { TopicState } from './live-topic.ts';

// A page that is left and entered again finds its topic still open.
const lingerMs = 5_000;
// Faster than a person sees, slow enough that a burst of commits becomes one frame.
const notifyEveryMs = 40;

interface OpenTopic {
  readonly source: Source;
  readonly listeners: Set<() => void>;
  state: TopicState | null;
  lingering: NodeJS.Timeout | null;
  notifying: NodeJS.Timeout | null;
  notifiedAt: number;
}

export interface Membership {
  readonly state: TopicState;
  leave(): void;
}

/** The topics that somebody at this node watches: each is watched once in the cluster, however many sockets want it. */
export class LiveHub {
  readonly #cluster: ClusterApi;
  readonly #log: DoorLog;
  readonly #topics = new Map<string, OpenTopic>();

  constructor(cluster: ClusterApi, log: DoorLog) {
    this.#cluster = cluster;
    this.#log = log;
  }

  /** Resolves when the topic has data; `listener` is then called after every change, until `leave`. */
  async join(name: string, listener: () => void): Promise<Membership> {
    const topic = this.#topics.get(name) ?? this.#open(name);
    if (topic.lingering !== null) clearTimeout(topic.lingering);
    topic.lingering = null;
    topic.listeners.add(listener);
    try {
      topic.state = await topic.source.opened;
    } catch (error) {
      topic.listeners.delete(listener);
      this.#close(name, topic);
      throw error;
    }
    return { state: topic.state, leave: () => this.#leave(name, topic, listener) };
  }

  get size(): number {
    return this.#topics.size;
  }

  close(): void {
    for (const [name, topic] of this.#topics) this.#close(name, topic);
  }

  #open(name: string): OpenTopic {
    const topic: OpenTopic = {
      source: this.#sourceOf(name, {
        cluster: this.#cluster,
        changed: () => this.#changed(topic),
        failed: (error) =>
          this.#log.warn({ err: error, topic: name }, 'a live topic could not be read'),
      }),
      listeners: new Set(),
      state: null,
      lingering: null,
      notifying: null,
      notifiedAt: 0,
    };
    this.#topics.set(name, topic);
    return topic;
  }

  #sourceOf(name: string, watch: Watch): Source {
    if (name === 'workflows') return new ListSource(watch);
    if (name === 'overview') return new OverviewSource(watch);
    if (name === 'cluster') return new ClusterSource(watch);
    return new WorkflowSource(name.slice('workflow:'.length), watch);
  }

  #changed(topic: OpenTopic): void {
    if (topic.notifying !== null) return;
    const restMs = Math.max(0, topic.notifiedAt + notifyEveryMs - performance.now());
    topic.notifying = setTimeout(() => {
      topic.notifying = null;
      topic.notifiedAt = performance.now();
      for (const listener of topic.listeners) listener();
    }, restMs);
  }

  #leave(name: string, topic: OpenTopic, listener: () => void): void {
    topic.listeners.delete(listener);
    if (topic.listeners.size > 0 || topic.lingering !== null) return;
    topic.lingering = setTimeout(() => this.#close(name, topic), lingerMs).unref();
  }

  #close(name: string, topic: OpenTopic): void {
    if (topic.lingering !== null) clearTimeout(topic.lingering);
    if (topic.notifying !== null) clearTimeout(topic.notifying);
    topic.source.close();
    if (this.#topics.get(name) === topic) this.#topics.delete(name);
  }
}
