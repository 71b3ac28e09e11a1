/*
 * Which steps are drawn as one. A fan-out of a thousand steps says nothing that one node with "×1000" does not say better; the
 * same goes for a thousand short chains side by side. Pure, and a function of the graph alone.
 */
export interface FoldStep {
  readonly name: string;
  readonly needs: readonly string[];
  readonly onError: string | null;
}

/** What is drawn as one node: a step, or many that stand at the same place of strands that are alike. */
export interface DrawnGroup<Step extends FoldStep> {
  /** The name of a step that stands alone; a name that no step has for a fold. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** Names of groups. */
  readonly needs: readonly string[];
  readonly onError: string | null;
}

/** As many strands as this may stand side by side; more of them are drawn as one. */
export const foldAbove = 12;

/**
 * A **strand** is a step, or a chain of steps of which each has only the one before and the one after. Strands that begin
 * after the same steps, end before the same steps and are equally long are drawn as one strand of folds.
 */
export function fold<Step extends FoldStep>(
  graph: readonly Step[],
  above = foldAbove,
): readonly DrawnGroup<Step>[] {
  const links = linksOf(graph);
  const alike = Map.groupBy(strandsOf(graph, links), (strand) => signatureOf(strand, links));
  const folds = [...alike.values()].filter((strands) => strands.length > above);
  if (folds.length === 0) return graph.map((step) => ({ ...alone(step, links), steps: [step] }));
  const groupOf = new Map<string, Step[]>();
  for (const strands of folds) {
    for (let place = 0; place < (strands[0]?.length ?? 0); place += 1) {
      const steps = strands.flatMap((strand) => strand[place] ?? []);
      for (const step of steps) groupOf.set(step.name, steps);
    }
  }
  const names = new Map<readonly Step[], string>();
  const nameOf = (step: string): string => {
    const group = groupOf.get(step);
    if (group === undefined) return step;
    let name = names.get(group);
    if (name === undefined) {
      // No step has this name: theirs begin with a letter.
      name = `×${group.length} ${group[0]?.name ?? ''}`;
      names.set(group, name);
    }
    return name;
  };
  const drawn = new Map<string, DrawnGroup<Step>>();
  for (const step of graph) {
    const name = nameOf(step.name);
    if (drawn.has(name)) continue;
    const { needs, onError } = alone(step, links);
    drawn.set(name, {
      name,
      steps: groupOf.get(step.name) ?? [step],
      needs: [...new Set(needs.map(nameOf))],
      onError: onError === null ? null : nameOf(onError),
    });
  }
  return [...drawn.values()];
}

/** What a fold of these steps may be called: what their names have in common, and a star for the rest. */
export function commonName(names: readonly string[]): string {
  const [first = '', ...others] = names;
  let length = first.length;
  for (const name of others) {
    while (length > 0 && !name.startsWith(first.slice(0, length))) length -= 1;
  }
  // A digit at the end is part of a number that is not the same everywhere.
  const common = first.slice(0, length).replace(/[\d\s_:.-]+$/, '');
  return common === '' ? first : `${common}*`;
}

interface Links {
  readonly before: readonly string[];
  readonly after: string[];
}

/** Of every step: its neighbours, each as text that begins with the kind of the link. */
type LinksByName = ReadonlyMap<string, Links>;

const kindLength = 'needs '.length;

function linksOf(graph: readonly FoldStep[]): LinksByName {
  const handled = Map.groupBy(
    graph.filter(({ onError }) => onError !== null),
    ({ onError }) => onError ?? '',
  );
  const names = new Set(graph.map(({ name }) => name));
  const links = new Map<string, Links>(
    graph.map((step) => [
      step.name,
      {
        before: [
          ...step.needs.filter((need) => names.has(need)).map((need) => `needs ${need}`),
          ...(handled.get(step.name) ?? []).map(({ name }) => `error ${name}`),
        ],
        after: [],
      },
    ]),
  );
  for (const [name, { before }] of links) {
    for (const link of before)
      links.get(link.slice(kindLength))?.after.push(link.slice(0, kindLength) + name);
  }
  return links;
}

function alone(step: FoldStep, links: LinksByName): Omit<DrawnGroup<never>, 'steps'> {
  const { onError } = step;
  return {
    name: step.name,
    needs: step.needs.filter((need) => links.has(need)),
    onError: onError !== null && links.has(onError) ? onError : null,
  };
}

function strandsOf<Step extends FoldStep>(
  graph: readonly Step[],
  links: LinksByName,
): readonly (readonly Step[])[] {
  const next = new Map<string, string>();
  const inside = new Set<string>();
  for (const [name, { after }] of links) {
    const [only, ...others] = after;
    if (only === undefined || others.length > 0) continue;
    const to = only.slice(kindLength);
    if (links.get(to)?.before.length !== 1) continue;
    next.set(name, to);
    inside.add(to);
  }
  const byName = new Map(graph.map((step) => [step.name, step]));
  return graph
    .filter(({ name }) => !inside.has(name))
    .map((head) => {
      const strand: Step[] = [];
      for (let step: Step | undefined = head; step !== undefined;) {
        strand.push(step);
        step = byName.get(next.get(step.name) ?? '');
      }
      return strand;
    });
}

function signatureOf(strand: readonly FoldStep[], links: LinksByName): string {
  const before = links.get(strand[0]?.name ?? '')?.before ?? [];
  const after = links.get(strand.at(-1)?.name ?? '')?.after ?? [];
  const inside = strand.map((step) => (step.onError === null ? '-' : '!')).join('');
  return JSON.stringify([before.toSorted(), after.toSorted(), inside]);
}
