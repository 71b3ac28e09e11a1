import type { Graph, RetryPolicy, Step, Timeouts } from '#actors/definition.ts';

/** A step in few words: what it needs, or whatever else is not as usual. */
export type StepSketch =
  | readonly string[]
  | (Partial<Omit<Step, 'name' | 'retry' | 'timeouts'>> & {
      readonly retry?: Partial<RetryPolicy>;
      readonly timeouts?: Partial<Timeouts>;
    });

/** `graph({ a: [], b: ['a'] })`: steps by name, in the order of the definition; one attempt each unless it says otherwise. */
export function graph(
  steps: Readonly<Record<string, StepSketch>>,
  options: Partial<Omit<Graph, 'steps'>> = {},
): Graph {
  return {
    name: 'test',
    version: '1',
    timeoutMs: null,
    onFailure: 'cancelSiblings',
    ...options,
    steps: Object.entries(steps).map(([name, sketch]) => step(name, sketch)),
  };
}

export const noTimeouts: Timeouts = {
  startToCloseMs: null,
  scheduleToStartMs: null,
  scheduleToCloseMs: null,
  heartbeatMs: null,
};

/** One attempt; with more, a second between the first two, twice as long each time, and no jitter. */
export const plainRetry: RetryPolicy = {
  maxAttempts: 1,
  initialIntervalMs: 1000,
  backoffCoefficient: 2,
  maxIntervalMs: 60_000,
  jitter: 0,
  maxElapsedMs: null,
  nonRetryable: [],
};

/** The seed's example: two checks side by side, two actions side by side, then one to join them. */
export function orderProcessing(): Graph {
  return graph(
    {
      validate_order: [],
      check_inventory: [],
      charge_payment: ['validate_order', 'check_inventory'],
      reserve_items: ['validate_order', 'check_inventory'],
      confirm_order: ['charge_payment', 'reserve_items'],
    },
    { name: 'order_processing' },
  );
}

/** Each step needs the one before. */
export function chain(length: number): Graph {
  const names = Array.from({ length }, (_, index) => `s${index}`);
  const steps = names.map((name, index): [string, string[]] => [
    name,
    names.slice(index - 1, index),
  ]);
  return graph(Object.fromEntries(steps), { name: `chain${length}` });
}

/** Many steps side by side, and one that joins them. */
export function fan(width: number): Graph {
  const names = Array.from({ length: width }, (_, index) => `s${index}`);
  const side = names.map((name): [string, string[]] => [name, []]);
  return graph(Object.fromEntries([...side, ['join', names]]), { name: `fan${width}` });
}

function step(name: string, sketch: StepSketch): Step {
  const { retry, timeouts, ...rest } = isNeeds(sketch) ? { needs: sketch } : sketch;
  return {
    name,
    task: name,
    queue: name,
    needs: [],
    onError: null,
    conditional: false,
    mapped: false,
    whenNeedsSkipped: 'run',
    priority: 3,
    isolate: false,
    ...rest,
    retry: { ...plainRetry, ...retry },
    timeouts: { ...noTimeouts, ...timeouts },
  };
}

function isNeeds(sketch: StepSketch): sketch is readonly string[] {
  return Array.isArray(sketch);
}
