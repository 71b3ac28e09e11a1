import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { expect } from 'chai';

import { installedPackage } from '../support/installed.ts';
import { freshDatabase, sharedServers } from '../support/servers.ts';
import { snippetsOf } from '../support/snippets.ts';

const root = resolve(import.meta.dirname, '..', '..');
const documents = await readAll();

/** All that each snippet prints, in every document that has one of that name. */
const printed: Readonly<Record<string, string>> = {
  'quick-start.ts': 'A-7 for order-42:1\n',
  'approval.ts': '{"asked":true,"by":"ada","paid":{"by":"ada"}}\n',
  'migrated.ts':
    '{"recipient":"user@example.com","email_sent":true,"to":"user@example.com","logged":true}\n',
};

/* A reader will copy them: they are compiled and run as they stand, in a project that has only the published package. */
describe('the snippets of the documents', () => {
  it('include the quick start, and each one names its file', () => {
    for (const [name, text] of documents) {
      expect(snippetsOf(text).length, name).to.equal(text.match(/^```ts$/gm)?.length ?? 0);
    }
    const quickStarts = documents.filter(([, text]) => text.includes('// quick-start.ts'));
    expect(quickStarts.map(([name]) => name)).to.include('README.md');
  });

  let servers: Readonly<Record<string, string>>;

  before(async () => {
    // One database for all of them, as they use one prefix in Redis.
    const urls = await sharedServers();
    servers = { REDIS_URL: urls.redis, MYSQL_URL: await freshDatabase(urls) };
  });

  it('are the same in both languages', () => {
    const codes = ['README.md', 'README.zh-CN.md'].map((readme) =>
      snippetsOf(documents.find(([name]) => name === readme)?.[1] ?? ''),
    );
    expect(codes[1]).to.deep.equal(codes[0]);
  });

  for (const [name, text] of documents) {
    // The same snippets as those of the README.
    if (name === 'README.zh-CN.md') continue;
    for (const { file, code } of snippetsOf(text)) {
      it(`${file} of ${name} compiles and runs`, async function () {
        this.timeout(120_000);
        const project = await installedPackage();
        await project.write(file, code);
        await project.check(file);
        expect(await project.run(file, servers)).to.equal(printed[file]);
      });
    }
  }
});

describe('the links of the documents', () => {
  for (const [name, text] of documents) {
    it(`of ${name} lead to files that there are, and to headings in them`, async () => {
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^(?:https?|mailto):/.test(target)) continue;
        const [path = '', heading] = target.split('#');
        const file = path === '' ? name : join(dirname(name), path);
        await access(join(root, file));
        if (heading === undefined) continue;
        const headings = [...(await readFile(join(root, file), 'utf8')).matchAll(/^#+ (.*)$/gm)];
        expect(
          headings.map(([, words = '']) => anchorOf(words)),
          target,
        ).to.include(heading);
      }
    });
  }
});

/** As those who show Markdown make the name of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

async function readAll(): Promise<readonly (readonly [name: string, text: string])[]> {
  const names: string[] = [];
  for await (const name of glob(['*.md', '{docs,bench,deploy,examples}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })) {
    names.push(name);
  }
  return await Promise.all(
    names.toSorted().map(async (name) => [name, await readFile(join(root, name), 'utf8')] as const),
  );
}
