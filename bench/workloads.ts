/*
 * What is run, as data, so that every contestant runs the same. A shape is a graph in which each step is needed by one other at
 * most, and the last by none: a tree, which is all that BullMQ knows.
 */
export interface Shape {
  readonly name: string;
  readonly steps: readonly ShapeStep[];
}

export interface ShapeStep {
  readonly name: string;
  readonly needs: readonly string[];
}

/** Two branches of two steps, and a join. */
export const orderProcessing: Shape = {
  name: 'order_processing',
  steps: [
    { name: 'validate_inventory', needs: [] },
    { name: 'validate_payment', needs: [] },
    { name: 'reserve_inventory', needs: ['validate_inventory'] },
    { name: 'charge_payment', needs: ['validate_payment'] },
    { name: 'confirm_order', needs: ['reserve_inventory', 'charge_payment'] },
  ],
};

export const chain40: Shape = {
  name: 'chain40',
  steps: Array.from({ length: 40 }, (_, index) => ({
    name: `step${index}`,
    needs: index === 0 ? [] : [`step${index - 1}`],
  })),
};

const side = Array.from({ length: 400 }, (_, index) => ({ name: `side${index}`, needs: [] }));

export const fan400: Shape = {
  name: 'fan400',
  steps: [...side, { name: 'join', needs: side.map(({ name }) => name) }],
};

export const workloadNames = ['order', 'chain40', 'fan400', 'latency'] as const;
export type WorkloadName = (typeof workloadNames)[number];

export interface Workload {
  readonly shape: Shape;
  /** How many are in flight at most: one at a time, or as many as are accepted. */
  readonly inFlight: number;
}

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  order: { shape: orderProcessing, inFlight: 2_000 },
  chain40: { shape: chain40, inFlight: 1 },
  fan400: { shape: fan400, inFlight: 1 },
  latency: { shape: orderProcessing, inFlight: 1 },
};

export interface Profile {
  /** Times that each contestant runs each workload, in a process of its own; the median counts. */
  readonly rounds: number;
  readonly counts: Readonly<Record<WorkloadName, Counts>>;
}

export interface Counts {
  readonly warmUp: number;
  readonly workflows: number;
}

export const fullProfile: Profile = {
  rounds: 3,
  counts: {
    order: { warmUp: 2_000, workflows: 5_000 },
    chain40: { warmUp: 40, workflows: 100 },
    fan400: { warmUp: 20, workflows: 40 },
    latency: { warmUp: 200, workflows: 500 },
  },
};

/** Whether it works, and not how fast: for the tests. */
export const quickProfile: Profile = {
  rounds: 1,
  counts: {
    order: { warmUp: 20, workflows: 300 },
    chain40: { warmUp: 1, workflows: 5 },
    fan400: { warmUp: 1, workflows: 3 },
    latency: { warmUp: 5, workflows: 30 },
  },
};
