import type { Graph, Step } from '#actors/definition.ts';
import { didYouMean } from '#actors/did-you-mean.ts';

import type { DefinitionErrorCode } from './definition-error.ts';
import { DefinitionError } from './definition-error.ts';

/**
 * Whether a workflow of this graph can run to its end, whatever its steps do.
 * @throws DefinitionError that names the step at fault
 */
export function checkGraph(graph: Omit<Graph, 'version'>): void {
  const where = `workflow "${graph.name}"`;
  const names = graph.steps.map((step) => step.name);
  const fail = (code: DefinitionErrorCode, step: string | null, message: string): never => {
    throw new DefinitionError({ code, where, ...(step === null ? {} : { step }), message });
  };
  if (names.length === 0) {
    fail('EMPTY', null, 'it has no steps, so there is nothing to run. Add one before build().');
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) {
    fail(
      'DUPLICATE_STEP',
      repeated,
      'there are two steps of this name, and outputs are kept by name. Name one differently; two steps may use the same task type.',
    );
  }
  const known = new Set(names);
  const handled = new Map<string, string>();
  for (const { name, needs, onError } of graph.steps) {
    const unknown = needs.find((need) => !known.has(need));
    if (unknown !== undefined) {
      const message = `it needs "${unknown}", and there is no such step.${didYouMean(unknown, names)} The steps are: ${names.join(', ')}.`;
      fail('UNKNOWN_NEED', name, message);
    }
    const twice = needs.find((need, index) => needs.indexOf(need) !== index);
    if (twice !== undefined) {
      fail('DUPLICATE_NEED', name, `it needs "${twice}" twice. Remove one of the two.`);
    }
    if (onError === null) continue;
    if (!known.has(onError)) {
      const message = `its errors go to "${onError}", and there is no such step.${didYouMean(onError, names)} The steps are: ${names.join(', ')}.`;
      fail('UNKNOWN_ERROR_STEP', name, message);
    }
    const other = handled.get(onError);
    if (other !== undefined) {
      const message = `its errors go to "${onError}", which already handles those of "${other}"; a step runs once and would not know which of the two it is for. Add a second step, which may use the same task type.`;
      fail('SHARED_ERROR_STEP', name, message);
    }
    handled.set(onError, name);
  }
  const cycle = findCycle(graph.steps, handled);
  if (cycle !== null) {
    const message = `steps wait for each other in a circle, ${cycle.join(' → ')} (each waits for the next), so none could ever start. Remove one of these dependencies.${rescueNote(cycle, handled)}`;
    fail('CYCLE', cycle[0] ?? null, message);
  }
}

/** A circle as its path, the first step again at the end, or null. */
function findCycle(
  steps: readonly Step[],
  handled: ReadonlyMap<string, string>,
): readonly string[] | null {
  const waits = waitsOf(steps, handled);
  const waitedFor = new Map<string, string[]>(steps.map((step) => [step.name, []]));
  for (const [name, others] of waits) {
    for (const other of others) waitedFor.get(other)?.push(name);
  }
  // Kahn: take away what waits for nothing until nothing changes. Each step that is left waits for another that is left.
  const left = new Map([...waits].map(([name, others]) => [name, others.size]));
  const free = [...left].flatMap(([name, count]) => (count === 0 ? [name] : []));
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    left.delete(name);
    for (const waiting of waitedFor.get(name) ?? []) {
      const count = (left.get(waiting) ?? 0) - 1;
      left.set(waiting, count);
      if (count === 0) free.push(waiting);
    }
  }
  // In the order of the definition, so that the same mistake always gives the same message.
  const path: string[] = [];
  let step = steps.find(({ name }) => left.has(name))?.name;
  while (step !== undefined && !path.includes(step)) {
    path.push(step);
    step = [...(waits.get(step) ?? [])].find((other) => left.has(other));
  }
  return step === undefined ? null : [...path.slice(path.indexOf(step)), step];
}

/** As the runtime waits: for the needs and whoever may rescue them, and an error handler for the step it is for. */
function waitsOf(
  steps: readonly Step[],
  handled: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const onError = new Map(steps.map((step) => [step.name, step.onError]));
  const waits = new Map<string, ReadonlySet<string>>();
  for (const { name, needs } of steps) {
    const own = new Set(needs);
    for (const need of needs) {
      for (
        let rescue = onError.get(need) ?? null;
        rescue !== null && rescue !== name && !own.has(rescue);
        rescue = onError.get(rescue) ?? null
      ) {
        own.add(rescue);
      }
    }
    const failing = handled.get(name);
    if (failing !== undefined) own.add(failing);
    waits.set(name, own);
  }
  return waits;
}

function rescueNote(cycle: readonly string[], handled: ReadonlyMap<string, string>): string {
  const rescue = cycle.find((name) => handled.has(name));
  return rescue === undefined
    ? ''
    : ` "${rescue}" handles the errors of "${handled.get(rescue)}": it waits for that step, and steps that need that step wait for "${rescue}" too.`;
}
