/*
 * Where the steps of a graph are drawn: in layers, each step after all that it needs, with few crossings. Pure, and a
 * function of the graph alone, so a change of state never moves anything.
 */
export interface LayoutStep {
  readonly name: string;
  readonly needs: readonly string[];
  readonly onError: string | null;
}

export interface LayoutOptions {
  /** Layers from left to right, or from top to bottom. */
  readonly direction: 'right' | 'down';
  readonly width: number;
  readonly height: number;
  /** Between layers, and between the steps of one layer. */
  readonly layerGap: number;
  readonly stepGap: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface LayoutEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'needs' | 'error';
  /** Begins at the border of one step and ends at that of the other; between are places to pass through. */
  readonly points: readonly Point[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The upper left corner of each step. */
  readonly steps: ReadonlyMap<string, Point>;
  readonly edges: readonly LayoutEdge[];
}

/** A step, or a place in a layer that a long edge passes through. */
interface Place {
  readonly layer: number;
  readonly size: number;
  readonly before: Place[];
  readonly after: Place[];
  /** Its rank in the layer, and its centre across the layers. */
  order: number;
  at: number;
}

const sweeps = 12;
const straightenings = 16;

export function layOut(graph: readonly LayoutStep[], options: LayoutOptions): Layout {
  const sizeAcross = options.direction === 'right' ? options.height : options.width;
  const sizeAlong = options.direction === 'right' ? options.width : options.height;
  const links = linksOf(graph);
  const layerOf = layersOf(graph, links);
  const places = new Map<string, Place>();
  const layers: Place[][] = [];
  const add = (layer: number, size: number): Place => {
    const row = (layers[layer] ??= []);
    const place = { layer, size, before: [], after: [], order: row.length, at: 0 };
    row.push(place);
    return place;
  };
  for (const step of graph) places.set(step.name, add(layerOf.get(step.name) ?? 0, sizeAcross));
  const routes = links.map((link) => {
    const from = places.get(link.from);
    const to = places.get(link.to);
    if (from === undefined || to === undefined) return [];
    const route = [from];
    for (let layer = from.layer + 1; layer < to.layer; layer += 1) route.push(add(layer, 12));
    route.push(to);
    for (const [index, place] of route.entries()) {
      const next = route[index + 1];
      if (next === undefined) continue;
      place.after.push(next);
      next.before.push(place);
    }
    return route;
  });
  for (let layer = 0; layer < layers.length; layer += 1) layers[layer] ??= [];
  uncross(layers);
  straighten(layers, options.stepGap);
  let least = 0;
  let most = 0;
  for (const place of layers.flat()) {
    least = Math.min(least, place.at - place.size / 2);
    most = Math.max(most, place.at + place.size / 2);
  }
  const across = most - least;
  const along = Math.max(0, layers.length * (sizeAlong + options.layerGap) - options.layerGap);
  const point = (alongAt: number, place: Place, offset = 0): Point => {
    const acrossAt = Math.round(place.at - least + offset);
    return options.direction === 'right'
      ? { x: alongAt, y: acrossAt }
      : { x: acrossAt, y: alongAt };
  };
  const startOf = (place: Place): number => place.layer * (sizeAlong + options.layerGap);
  const right = options.direction === 'right';
  return {
    width: Math.ceil(right ? along : across),
    height: Math.ceil(right ? across : along),
    steps: new Map(
      [...places].map(([name, place]) => [name, point(startOf(place), place, -place.size / 2)]),
    ),
    edges: links.map((link, index) => {
      const route = routes[index] ?? [];
      return {
        ...link,
        points: route.flatMap((place, stop) => {
          const start = startOf(place);
          if (stop === 0) return [point(start + sizeAlong, place)];
          if (stop === route.length - 1) return [point(start, place)];
          return [point(start, place), point(start + sizeAlong, place)];
        }),
      };
    }),
  };
}

type Link = Pick<LayoutEdge, 'from' | 'to' | 'kind'>;

function linksOf(graph: readonly LayoutStep[]): readonly Link[] {
  const names = new Set(graph.map((step) => step.name));
  return graph.flatMap((step): Link[] => [
    ...step.needs
      .filter((need) => names.has(need))
      .map((need): Link => ({ from: need, to: step.name, kind: 'needs' })),
    ...(step.onError !== null && names.has(step.onError)
      ? [{ from: step.name, to: step.onError, kind: 'error' as const }]
      : []),
  ]);
}

/** The layer of a step is the length of the longest way to it. */
function layersOf(
  graph: readonly LayoutStep[],
  links: readonly Link[],
): ReadonlyMap<string, number> {
  const waiting = new Map(graph.map((step) => [step.name, 0]));
  const next = new Map<string, string[]>();
  for (const { from, to } of links) {
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
    const after = next.get(from);
    if (after === undefined) next.set(from, [to]);
    else after.push(to);
  }
  const layers = new Map<string, number>();
  const free = graph.map((step) => step.name).filter((name) => waiting.get(name) === 0);
  // What becomes free while it goes on is met later.
  for (const name of free) {
    const layer = layers.get(name) ?? 0;
    layers.set(name, layer);
    for (const to of next.get(name) ?? []) {
      layers.set(to, Math.max(layers.get(to) ?? 0, layer + 1));
      const left = (waiting.get(to) ?? 1) - 1;
      waiting.set(to, left);
      if (left === 0) free.push(to);
    }
  }
  return layers;
}

/** Orders each layer by the middle of its neighbours, forth and back, and keeps the best order that was seen. */
function uncross(layers: readonly Place[][]): void {
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : layers.toReversed()) {
      const weight = new Map(
        layer.map((place) => [place, middle(forth ? place.before : place.after) ?? place.order]),
      );
      layer.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
      number(layer);
    }
    const count = crossings(layers);
    if (count < fewest) {
      fewest = count;
      best = layers.map((layer) => [...layer]);
    }
  }
  for (const [index, layer] of layers.entries()) {
    layer.splice(0, layer.length, ...(best[index] ?? []));
    number(layer);
  }
}

function number(layer: readonly Place[]): void {
  for (const [order, place] of layer.entries()) place.order = order;
}

function middle(places: readonly Place[]): number | null {
  if (places.length === 0) return null;
  return places.reduce((sum, place) => sum + place.order, 0) / places.length;
}

/** Counted in a Fenwick tree over the places of the next layer: a graph of thousands of edges costs milliseconds. */
function crossings(layers: readonly (readonly Place[])[]): number {
  let count = 0;
  for (const [index, layer] of layers.entries()) {
    const tree = new Uint32Array((layers[index + 1]?.length ?? 0) + 1);
    let ended = 0;
    for (const place of layer) {
      const ends = place.after.map((next) => next.order);
      // Edges of one place cross none of each other, so all are compared before any is entered.
      for (const end of ends) count += ended - upTo(tree, end + 1);
      for (const end of ends) enter(tree, end + 1);
      ended += ends.length;
    }
  }
  return count;
}

function enter(tree: Uint32Array, place: number): void {
  for (let at = place; at < tree.length; at += at & -at) tree[at] = (tree[at] ?? 0) + 1;
}

function upTo(tree: Uint32Array, place: number): number {
  let sum = 0;
  for (let at = place; at > 0; at -= at & -at) sum += tree[at] ?? 0;
  return sum;
}

/** Moves every place towards the middle of its neighbours, as far as those of its own layer let it. */
function straighten(layers: readonly Place[][], gap: number): void {
  for (const layer of layers)
    settle(
      layer,
      layer.map(() => 0),
      gap,
    );
  for (let round = 0; round < straightenings; round += 1) {
    const forth = round % 2 === 0;
    for (const layer of forth ? layers : layers.toReversed()) {
      const wishes = layer.map((place) => {
        const near = forth ? place.before : place.after;
        // The last rounds look both ways, so that a join stands between its sides.
        const all = round < straightenings - 4 ? near : [...place.before, ...place.after];
        const towards = all.length === 0 ? [...place.before, ...place.after] : all;
        if (towards.length === 0) return place.at;
        return towards.reduce((sum, other) => sum + other.at, 0) / towards.length;
      });
      settle(layer, wishes, gap);
    }
  }
}

/** The places nearest to the wishes that keep order and distance: neighbours that are too near become one block. */
function settle(layer: readonly Place[], wishes: readonly number[], gap: number): void {
  const offsets: number[] = [];
  let offset = 0;
  for (const [index, place] of layer.entries()) {
    const previous = layer[index - 1];
    if (previous !== undefined) offset += previous.size / 2 + gap + place.size / 2;
    offsets.push(offset);
  }
  const blocks: { sum: number; count: number }[] = [];
  for (const [index, wish] of wishes.entries()) {
    let block = { sum: wish - (offsets[index] ?? 0), count: 1 };
    for (
      let last = blocks.at(-1);
      last !== undefined && last.sum / last.count > block.sum / block.count;
      last = blocks.at(-1)
    ) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  let index = 0;
  for (const block of blocks) {
    for (let inBlock = 0; inBlock < block.count; inBlock += 1) {
      const place = layer[index];
      if (place !== undefined) place.at = block.sum / block.count + (offsets[index] ?? 0);
      index += 1;
    }
  }
}
