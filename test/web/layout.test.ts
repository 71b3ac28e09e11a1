import { expect } from 'chai';

import { layOut, type Layout, type LayoutStep } from '../../web/parts/layout.ts';

const options = { direction: 'right', width: 180, height: 60, layerGap: 60, stepGap: 18 } as const;

describe('the layout of a graph', () => {
  it('puts every step after all that it needs', () => {
    const graph = steps({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['a', 'd'] });
    const layout = layOut(graph, options);
    for (const step of graph) {
      for (const need of step.needs) {
        expect(xOf(layout, step.name), `${need} → ${step.name}`).to.be.at.least(
          xOf(layout, need) + options.width + options.layerGap,
        );
      }
    }
  });

  it('draws a step that handles errors after the step whose error it handles', () => {
    const graph = [
      { name: 'charge', needs: [], onError: 'refund' },
      { name: 'refund', needs: [], onError: null },
    ];
    const layout = layOut(graph, options);
    expect(xOf(layout, 'refund')).to.be.above(xOf(layout, 'charge'));
    expect(layout.edges).to.have.length(1);
    expect(layout.edges[0]).to.include({ from: 'charge', to: 'refund', kind: 'error' });
  });

  it('lets no two steps overlap, inside its own size', () => {
    const layout = layOut(lanes(7, 9), options);
    const places = [...layout.steps.values()];
    for (const [index, a] of places.entries()) {
      expect(a.x).to.be.within(0, layout.width - options.width);
      expect(a.y).to.be.within(0, layout.height - options.height);
      for (const b of places.slice(index + 1)) {
        const apart = Math.abs(a.x - b.x) >= options.width || Math.abs(a.y - b.y) >= options.height;
        expect(apart, `${JSON.stringify(a)} and ${JSON.stringify(b)}`).to.equal(true);
      }
    }
  });

  it('crosses no lines that need not cross', () => {
    const graph = steps({ a: [], b: [], c: [], x: ['c'], y: ['b'], z: ['a'] });
    const layout = layOut(graph, options);
    expect(order(layout, ['a', 'b', 'c'])).to.deep.equal(order(layout, ['z', 'y', 'x']));
  });

  it('goes from top to bottom on a narrow page', () => {
    const layout = layOut(steps({ a: [], b: ['a'] }), { ...options, direction: 'down' });
    expect(layout.steps.get('a')?.y).to.equal(0);
    expect(layout.steps.get('b')?.y).to.equal(options.height + options.layerGap);
    expect(layout.width).to.equal(options.width);
  });

  it('begins and ends every line at its steps', () => {
    const layout = layOut(steps({ a: [], b: ['a'], c: ['a', 'b'] }), options);
    for (const { from, to, points } of layout.edges) {
      expect(points[0]?.x).to.equal(xOf(layout, from) + options.width);
      expect(points.at(-1)?.x).to.equal(xOf(layout, to));
    }
  });

  it('has room for nothing', () => {
    expect(layOut([], options)).to.include({ width: 0, height: 0 });
  });

  it('lays out 300 steps within half a second', () => {
    const began = performance.now();
    layOut(lanes(15, 20), options);
    expect(performance.now() - began).to.be.below(500);
  });

  it('lays out a fan of 400 within half a second', () => {
    const fan = Array.from({ length: 400 }, (_, n) => `s${n}`);
    const began = performance.now();
    layOut(
      steps({ start: [], ...Object.fromEntries(fan.map((name) => [name, ['start']])), end: fan }),
      options,
    );
    expect(performance.now() - began).to.be.below(500);
  });
});

function steps(needs: Readonly<Record<string, readonly string[]>>): readonly LayoutStep[] {
  return Object.entries(needs).map(([name, own]) => ({ name, needs: own, onError: null }));
}

/** Layers in which each step needs two of the layer before. */
function lanes(width: number, length: number): readonly LayoutStep[] {
  return Array.from({ length: width * length }, (_, n) => {
    const [lane, layer] = [n % width, Math.floor(n / width)];
    const before = [lane, (lane * 3 + 1) % width].map((other) => `s${layer - 1}-${other}`);
    return {
      name: `s${layer}-${lane}`,
      needs: layer === 0 ? [] : [...new Set(before)],
      onError: null,
    };
  });
}

function xOf(layout: Layout, name: string): number {
  const place = layout.steps.get(name);
  if (place === undefined) throw new Error(`${name} is nowhere`);
  return place.x;
}

/** The ranks of the steps by height. */
function order(layout: Layout, names: readonly string[]): readonly number[] {
  const heights = names.map((name) => layout.steps.get(name)?.y ?? 0);
  return heights.map((height) => heights.filter((other) => other < height).length);
}
