import { rename, rm, writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import { CodeWatch } from '#dev/code-watch.ts';

import { TempDir } from './temp-dir.ts';

describe('a watch on code', () => {
  let dir: TempDir;
  let watch: CodeWatch;
  let told: string[][];
  let heard: PromiseWithResolvers<void>;

  beforeEach(async () => {
    dir = await TempDir.create();
    told = [];
    heard = Promise.withResolvers();
    watch = new CodeWatch((files) => {
      told.push(files.map((file) => file.slice(dir.path.length + 1)).toSorted());
      heard.resolve();
    });
    for (const name of ['a.ts', 'b.ts']) {
      await writeFile(dir.join(name), 'before');
      await watch.add(dir.join(name));
    }
  });

  afterEach(async () => {
    watch[Symbol.dispose]();
    await dir[Symbol.asyncDispose]();
  });

  it('tells what is saved, once, however many writes it takes', async () => {
    for (const text of ['a', 'after', 'after all']) await writeFile(dir.join('a.ts'), text);
    await heard.promise;
    expect(told).to.deep.equal([['a.ts']]);
  });

  it('tells what an editor saves by putting another file into the place', async () => {
    await writeFile(dir.join('a.ts.tmp'), 'after');
    await rename(dir.join('a.ts.tmp'), dir.join('a.ts'));
    await heard.promise;
    expect(told).to.deep.equal([['a.ts']]);
  });

  it('tells files that are saved together together', async () => {
    await Promise.all(['a.ts', 'b.ts'].map(async (name) => await writeFile(dir.join(name), 'new')));
    await heard.promise;
    expect(told).to.deep.equal([['a.ts', 'b.ts']]);
  });

  it('says nothing of a file that is gone, that says the same, or that is not its own', async () => {
    await rm(dir.join('a.ts'));
    await writeFile(dir.join('a.ts'), 'before');
    await writeFile(dir.join('other.ts'), 'new');
    // What comes after it has come: had it told one of those, it would be told with this one or before it.
    await writeFile(dir.join('b.ts'), 'after');
    await heard.promise;
    expect(told).to.deep.equal([['b.ts']]);
  });
});
