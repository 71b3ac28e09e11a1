import { glob, readFile } from 'node:fs/promises';

import { expect } from 'chai';

describe('docs/architecture.md', () => {
  it('has every invariant that a header states, and each number is stated in one place', async () => {
    const text = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    const documented = new Set(
      [...text.matchAll(/\*\*([A-Z])(\d)(?:–[A-Z](\d))?\*\*/g)].flatMap(([, letter, from, to]) =>
        Array.from(
          { length: Number(to ?? from) - Number(from) + 1 },
          (_, index) => `${letter}${Number(from) + index}`,
        ),
      ),
    );
    const stated = new Map<string, string[]>();
    const root = new URL('../../', import.meta.url);
    for await (const file of glob('src/**/*.ts', { cwd: root })) {
      const source = await readFile(new URL(file, root), 'utf8');
      for (const [, number = ''] of source.matchAll(/^(?: \*|\/\/)(?: -)? ([A-Z]\d) {2}/gm)) {
        stated.set(number, [...(stated.get(number) ?? []), file]);
      }
    }

    expect(stated.size).to.be.above(20);
    for (const [number, files] of stated) {
      expect(files, number).to.have.length(1);
      expect([...documented], `${number} of ${files[0] ?? ''}`).to.include(number);
    }
  });
});
