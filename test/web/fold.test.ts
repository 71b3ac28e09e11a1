import { expect } from 'chai';

import { commonName, fold, foldAbove, type FoldStep } from '../../web/parts/fold.ts';
import { layOut } from '../../web/parts/layout.ts';

const options = { direction: 'right', width: 180, height: 60, layerGap: 60, stepGap: 18 } as const;

describe('the folding of a graph', () => {
  it('draws a fan-out of 1,000 steps as one node between its neighbours', () => {
    const names = many(1_000, 'part');
    const drawn = fold(steps({ begin: [], ...each(names, ['begin']), join: names, end: ['join'] }));
    expect(drawn.map(({ steps: own }) => own.length)).to.deep.equal([1, 1_000, 1, 1]);
    const folded = drawn[1]?.name;
    expect(drawn.map(({ needs }) => needs)).to.deep.equal([[], ['begin'], [folded], ['join']]);
  });

  it('draws as many steps apart as fit side by side', () => {
    const names = many(foldAbove, 'part');
    expect(fold(steps({ ...each(names, []), join: names }))).to.have.length(foldAbove + 1);
  });

  it('draws chains side by side as one chain of folds', () => {
    const ids = many(40, '');
    const graph = steps({
      begin: [],
      ...Object.fromEntries(ids.map((id) => [`load${id}`, ['begin']])),
      ...Object.fromEntries(ids.map((id) => [`store${id}`, [`load${id}`]])),
      join: ids.map((id) => `store${id}`),
    });
    const drawn = fold(graph);
    expect(drawn.map(({ steps: own }) => own.length)).to.deep.equal([1, 40, 40, 1]);
    expect(drawn[2]?.needs).to.deep.equal([drawn[1]?.name]);
    expect(drawn[3]?.needs).to.deep.equal([drawn[2]?.name]);
    expect(drawn[2]?.steps.map(({ name }) => name)).to.include('store39');
  });

  it('keeps steps apart that have other neighbours, or another step for their errors', () => {
    const names = many(30, 'part');
    const graph = steps({ a: [], b: [], ...each(names, ['a']), join: names }).map((step, index) => {
      if (step.name === 'part7') return { ...step, needs: ['b'] };
      return step.name === 'part8' ? { ...step, onError: 'b' } : { ...step, index };
    });
    const sizes = fold(graph).map(({ steps: own }) => own.length);
    expect(sizes.toSorted((x, y) => y - x)).to.deep.equal([28, 1, 1, 1, 1, 1]);
  });

  it('folds the steps that handle the errors of a fold, too', () => {
    const names = many(20, 'try');
    const graph = [
      ...names.map((name) => ({ name, needs: [], onError: `undo${name}` })),
      ...names.map((name) => ({ name: `undo${name}`, needs: [], onError: null })),
    ];
    const drawn = fold(graph);
    expect(drawn.map(({ steps: own }) => own.length)).to.deep.equal([20, 20]);
    expect(drawn[0]?.onError).to.equal(drawn[1]?.name);
  });

  it('leaves a graph without a fan-out as it is', () => {
    const graph = steps({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] });
    expect(fold(graph)).to.deep.equal(graph.map((step) => ({ ...step, steps: [step] })));
  });

  it('folds and lays out a fan-out of 1,000 within 100 ms', () => {
    const names = many(1_000, 'part');
    const graph = steps({ begin: [], ...each(names, ['begin']), join: names });
    const began = performance.now();
    const layout = layOut(fold(graph), options);
    expect(performance.now() - began).to.be.below(100);
    expect(layout.steps.size).to.equal(3);
  });

  for (const [names, common] of [
    [['part1', 'part2', 'part10'], 'part*'],
    [['load_a', 'load_b'], 'load*'],
    [['a', 'b'], 'a'],
    [['same'], 'same*'],
  ] as const) {
    it(`calls ${names.join(', ')} ${common}`, () => {
      expect(commonName(names)).to.equal(common);
    });
  }
});

function many(count: number, prefix: string): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

function each(names: readonly string[], needs: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, needs]));
}

function steps(needs: Readonly<Record<string, readonly string[]>>): readonly FoldStep[] {
  return Object.entries(needs).map(([name, own]) => ({ name, needs: own, onError: null }));
}
