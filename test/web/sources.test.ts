import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

const web = join(import.meta.dirname, '..', '..', 'web');

/** Every way from a string to markup or code that browsers have. */
const forbidden =
  /innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|DOMParser|srcdoc|setHTML|\beval\(|new Function|javascript:/;

describe('the sources of the console', () => {
  it('turn no string into markup or code', async () => {
    const files = await readdir(web, { recursive: true });
    const sources = files.filter((file) => /\.(ts|html)$/.test(file));
    expect(sources).to.include('main.ts');
    for (const file of sources) {
      const found = forbidden.exec(await readFile(join(web, file), 'utf8'));
      expect(found?.[0], file).to.equal(undefined);
    }
  });

  it('name no other server', async () => {
    const files = await readdir(web, { recursive: true });
    for (const file of files.filter((name) => /\.(ts|html|css)$/.test(name))) {
      const text = await readFile(join(web, file), 'utf8');
      const urls = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([url]) => url);
      expect(
        urls.filter((url) => url !== 'http://www.w3.org'),
        file,
      ).to.deep.equal([]);
    }
  });
});
