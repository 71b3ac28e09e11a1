import type { RetryPolicy, Step, Timeouts } from './definition.ts';
import type { Plan } from './plan.ts';

/**
 * What the cluster's configuration says where a definition says nothing. It is settled when a workflow starts and is kept with
 * it, so that every node decides the same, whatever its own configuration says.
 */
export interface Defaults {
  readonly startToCloseMs?: number;
  readonly retryIntervalMs?: number;
}

const known = new WeakMap<Plan, Map<string, Plan>>();

/** The plan with what its author left open filled in. The same answer for the same question, as decisions ask it all the time. */
export function underDefaults(plan: Plan, defaults: Defaults | null): Plan {
  if (defaults === null) return plan;
  const key = `${defaults.startToCloseMs}/${defaults.retryIntervalMs}`;
  let plans = known.get(plan);
  if (plans === undefined) known.set(plan, (plans = new Map()));
  let filled = plans.get(key);
  if (filled === undefined) plans.set(key, (filled = filledIn(plan, defaults)));
  return filled;
}

function filledIn(plan: Plan, defaults: Defaults): Plan {
  const steps = plan.steps.map((planned) => ({
    ...planned,
    step: withDefaults(planned.step, defaults),
  }));
  return { graph: { ...plan.graph, steps: steps.map(({ step }) => step) }, steps };
}

function withDefaults(step: Step, defaults: Defaults): Step {
  return {
    ...step,
    retry: retryWith(step, defaults),
    timeouts: timeoutsWith(step, defaults),
  };
}

function retryWith({ retry, open = [] }: Step, { retryIntervalMs }: Defaults): RetryPolicy {
  if (retryIntervalMs === undefined || !open.includes('initialIntervalMs')) return retry;
  const maxIntervalMs = open.includes('maxIntervalMs')
    ? Math.max(retry.maxIntervalMs, retryIntervalMs)
    : retry.maxIntervalMs;
  return { ...retry, initialIntervalMs: retryIntervalMs, maxIntervalMs };
}

function timeoutsWith({ timeouts, open = [] }: Step, { startToCloseMs }: Defaults): Timeouts {
  return startToCloseMs === undefined || !open.includes('startToCloseMs')
    ? timeouts
    : { ...timeouts, startToCloseMs };
}
