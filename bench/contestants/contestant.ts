import type { Shape, WorkloadName } from '../workloads.ts';

/** A system that runs workflows, in a process of its own. */
export interface Contestant {
  /** How many workflows are best handed in by one call. */
  readonly batch: number;
  /**
   * Hands in workflows with these numbers as input. Each promise resolves when its workflow has ended and its output was found
   * right, and rejects otherwise.
   */
  run(numbers: readonly number[]): readonly Promise<void>[];
  /** After all have ended: that as many tasks ran as should have. */
  checkTasks(expected: number): void;
  stop(): Promise<void>;
}

export interface ContestantOptions {
  readonly redis: string;
  readonly mysql: string;
  readonly shape: Shape;
}

export const systems = ['temjob', 'bullmq'] as const;
export type SystemName = (typeof systems)[number];

/** What the process of a contestant is told, and what it answers. */
export type Instruction =
  | {
      readonly type: 'start';
      readonly system: SystemName;
      readonly workload: WorkloadName;
      readonly redis: string;
      readonly mysql: string;
    }
  | { readonly type: 'run'; readonly workflows: number }
  | { readonly type: 'stop' };

export type Answer =
  | { readonly type: 'done'; readonly run: RunFigures | null }
  | { readonly type: 'failed'; readonly message: string };

/** What a process says of one run of its own. */
export interface RunFigures {
  readonly ms: number;
  /** From handing in to the end, of each workflow. */
  readonly latenciesMs: readonly number[];
  readonly cpuSeconds: number;
  /** Since the process began. */
  readonly peakRssMb: number;
}
