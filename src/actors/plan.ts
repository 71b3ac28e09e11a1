import type { Graph, Step } from './definition.ts';

/**
 * A graph made ready for deciding: steps by number instead of by name, and the questions that every decision asks answered
 * once. Built per definition version, shared by all its workflows, never changed.
 */
export interface Plan {
  readonly graph: Graph;
  readonly steps: readonly PlannedStep[];
}

export interface PlannedStep {
  readonly number: number;
  readonly step: Step;
  /** Steps that must be settled first: the declared ones, and the error handlers of those. */
  readonly waitsFor: readonly number[];
  /** The declared ones alone. */
  readonly needs: readonly number[];
  /** Steps to look at again when this one settles. */
  readonly waitedForBy: readonly number[];
  /** All steps that this one depends on, directly or not, in the order of the definition: their outputs are its context. */
  readonly ancestors: readonly number[];
  readonly onError: number | null;
  /** The step whose failure this one handles. */
  readonly handles: number | null;
}

export function planOf(graph: Graph): Plan {
  const numbers = new Map(graph.steps.map((step, number) => [step.name, number]));
  const numberOf = (name: string): number => {
    const number = numbers.get(name);
    if (number === undefined) {
      throw new Error(`Definition "${graph.name}" names a step "${name}" that it does not have.`);
    }
    return number;
  };
  const needs = graph.steps.map((step) => step.needs.map(numberOf));
  const onError = graph.steps.map((step) =>
    step.onError === null ? null : numberOf(step.onError),
  );
  const handles = graph.steps.map((_, number) => {
    const handled = onError.indexOf(number);
    return handled < 0 ? null : handled;
  });
  const waitsFor = needs.map((own, number) => {
    const waits = new Set(own);
    for (const need of own) addHandlers(need, onError, waits);
    const handled = handles[number] ?? null;
    if (handled !== null) waits.add(handled);
    waits.delete(number);
    return [...waits];
  });
  const waitedForBy = graph.steps.map((): number[] => []);
  for (const [number, waits] of waitsFor.entries()) {
    for (const other of waits) waitedForBy[other]?.push(number);
  }
  const ancestors = ancestorsOf(waitsFor, graph);
  return {
    graph,
    steps: graph.steps.map((step, number) => ({
      number,
      step,
      waitsFor: waitsFor[number] ?? [],
      needs: needs[number] ?? [],
      waitedForBy: waitedForBy[number] ?? [],
      ancestors: ancestors[number] ?? [],
      onError: onError[number] ?? null,
      handles: handles[number] ?? null,
    })),
  };
}

/** Whoever needs a step that has an error handler waits for the handler too: it sees either the output or the rescue. */
function addHandlers(step: number, onError: readonly (number | null)[], into: Set<number>): void {
  for (let handler = onError[step] ?? null; handler !== null; handler = onError[handler] ?? null) {
    if (into.has(handler)) return;
    into.add(handler);
  }
}

function ancestorsOf(
  waitsFor: readonly (readonly number[])[],
  graph: Graph,
): readonly (readonly number[])[] {
  const known = new Map<number, Set<number>>();
  const open = new Set<number>();
  const collect = (number: number): Set<number> => {
    const found = known.get(number);
    if (found !== undefined) return found;
    if (open.has(number)) {
      const path = [...open, number].map((of) => graph.steps[of]?.name).join(' -> ');
      throw new Error(`Definition "${graph.name}" has steps that wait for each other: ${path}.`);
    }
    open.add(number);
    const own = new Set<number>();
    for (const need of waitsFor[number] ?? []) {
      own.add(need);
      for (const further of collect(need)) own.add(further);
    }
    open.delete(number);
    known.set(number, own);
    return own;
  };
  return waitsFor.map((_, number) => [...collect(number)].toSorted((a, b) => a - b));
}
