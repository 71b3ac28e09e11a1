import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { installedPackage } from '../support/installed.ts';
import { freshDatabase, sharedServers } from '../support/servers.ts';
import { snippetsOf } from '../support/snippets.ts';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const snippets = snippetsOf(readme);

/** All that each of them prints. */
const printed: Readonly<Record<string, string>> = {
  'quick-start.ts': 'A-7 for order-42:1\n',
};

/* A reader will copy them: they are compiled and run as they stand, in a project that has only the published package. */
describe('the snippets of the README', () => {
  it('include the quick start, and each one names its file', () => {
    expect(snippets.map(({ file }) => file)).to.include('quick-start.ts');
    expect(snippets.length).to.equal(readme.match(/^```ts$/gm)?.length);
  });

  let servers: Readonly<Record<string, string>>;

  before(async () => {
    // One database for all of them, as they use one prefix in Redis.
    const urls = await sharedServers();
    servers = { REDIS_URL: urls.redis, MYSQL_URL: await freshDatabase(urls) };
  });

  for (const { file, code } of snippets) {
    it(`${file} compiles and runs`, async function () {
      this.timeout(120_000);
      const project = await installedPackage();
      await project.write(file, code);
      await project.check(file);
      const said = await project.run(file, servers);
      expect(said).to.equal(printed[file]);
    });
  }
});
