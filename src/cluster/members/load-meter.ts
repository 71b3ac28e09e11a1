import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** How busy a node is, for people and pages. */
export interface Load {
  /** Attempts and turns in its hands. */
  readonly running: number;
  /** Actors in its memory. */
  readonly actors: number;
  readonly threads: number;
  /** 0 to 1: of the event loop of its main thread, since the sample before. */
  readonly utilization: number;
  readonly rssBytes: number;
}

export const noLoad: Load = { running: 0, actors: 0, threads: 0, utilization: 0, rssBytes: 0 };

/** What is told with a beat changes this often at most: each change is written and read by all. */
const sampleMs = 2_000;

/** Samples the load of this process. */
export class LoadMeter {
  readonly #count: () => Pick<Load, 'running' | 'actors' | 'threads'>;
  #loop: EventLoopUtilization = performance.eventLoopUtilization();
  #sampledAt = -Infinity;
  #load = noLoad;

  constructor(count: () => Pick<Load, 'running' | 'actors' | 'threads'>) {
    this.#count = count;
  }

  get load(): Load {
    const now = performance.now();
    if (now - this.#sampledAt >= sampleMs) this.#sample(now);
    return this.#load;
  }

  #sample(now: number): void {
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
    this.#loop = loop;
    this.#sampledAt = now;
    this.#load = {
      ...this.#count(),
      utilization: Math.round(utilization * 1000) / 1000,
      rssBytes: process.memoryUsage.rss(),
    };
  }
}
