import { createHash } from 'node:crypto';

import type { Graph } from '#actors/definition.ts';

import type { StepDraft } from './draft.ts';

/**
 * The version of a definition: a short hash of its data and of the text of its `when` and `map` functions. Handlers do not
 * count: a workflow that is under way is meant to get their fixes.
 */
export function versionOf(graph: Omit<Graph, 'version'>, steps: readonly StepDraft[]): string {
  const texts = steps.map(({ when, map }) => [when?.text ?? null, map?.text ?? null]);
  return createHash('sha256')
    .update(JSON.stringify([graph, texts], sortKeys))
    .digest('hex')
    .slice(0, 12);
}

/** Equal content must give equal text, whatever order its keys were written in. */
function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
