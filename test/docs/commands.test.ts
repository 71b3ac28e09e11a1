import { execFile } from 'node:child_process';
import { access, glob, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, type TestDoors } from '../support/doors.ts';

const exec = promisify(execFile);
const root = resolve(import.meta.dirname, '..', '..');
const commands = await commandsOfDocuments();

/** What starts a whole cluster or a whole suite is run by a test of its own: which. */
const ranElsewhere: Readonly<Record<string, string>> = {
  'npm start': 'test/dev/start.test.ts',
  'npm test': '.ci/run',
  'npm install': 'test/examples/starter.test.ts',
  'npm run dev': 'test/examples/starter.test.ts',
  'npm run check': '.ci/run',
  'npm run bench': 'test/bench/bench.test.ts',
  'npx temjob start': 'test/runtime/node.test.ts',
  'NODE_OPTIONS=': 'test/runtime/tracing.test.ts',
  'npx temjob doctor': 'test/cli/operation.test.ts',
};

describe('the commands of the documents', () => {
  let cluster: TestCluster;
  let doors: TestDoors;
  let failedId = '';
  let openId = '';
  let waitingId = '';

  before(async () => {
    const examples = new URL('../../examples/index.ts', import.meta.url).href;
    cluster = await startCluster({ modules: [examples] });
    doors = await openDoors(cluster.apis);
    const failed = await cluster.api.start({
      name: 'flaky_payment',
      input: { amount: 99, failures: 9 },
    });
    await cluster.api.result(failed.id, 20_000);
    failedId = failed.id;
    const input = { employee: 'Ada', purpose: 'All', amount: 99 };
    waitingId = (await cluster.api.start({ name: 'expense_approval', input })).id;
    openId = (await cluster.api.start({ name: 'long_report', input: { title: 'All', pages: 400 } }))
      .id;
  });

  after(async () => {
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  it('are more than a few, and what this test does not run is run by one that there is', async () => {
    expect(commands.map(({ words }) => words.join(' '))).to.include('npx temjob cancel ID');
    for (const file of Object.values(ranElsewhere)) await access(join(root, file));
  });

  for (const { document, words } of commands) {
    const line = words.join(' ');
    const elsewhere = Object.entries(ranElsewhere).find(([start]) => line.startsWith(start));
    if (elsewhere !== undefined) continue;
    it(`work: ${line} (${document})`, async () => {
      if (words[0] === 'curl') {
        expect(await curl(words.slice(1))).to.be.within(200, 299);
        return;
      }
      expect(words.slice(0, 2), 'only the program itself is run').to.deep.equal(['npx', 'temjob']);
      const ids: Readonly<Record<string, string>> = { retry: failedId, signal: waitingId };
      const id = ids[words[2] ?? ''] ?? openId;
      await exec(
        process.execPath,
        [
          join(root, 'src', 'main.ts'),
          ...words.slice(2).map((word) => (word === 'ID' ? id : word)),
        ],
        { env: { ...process.env, TEMJOB_URL: doors.url } },
      );
    });
  }

  /** What curl would do with these arguments, without curl; resolves to the status. */
  async function curl(words: readonly string[]): Promise<number> {
    const headers = new Headers();
    let [url, body] = ['', undefined as string | undefined];
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? '';
      const value = words[at + 1] ?? '';
      if (word === '-s') continue;
      if (word === '-H') headers.append(...pair(value));
      else if (word === '-d') body = value;
      else url = word;
      if (word.startsWith('-')) at += 1;
    }
    const address = url.replace(/^(?:http:\/\/)?localhost:8088/, doors.url);
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(address, { method, headers, ...(body && { body }) });
    return response.status;
  }
});

function pair(header: string): [string, string] {
  const [name = '', value = ''] = header.split(/:\s*/, 2);
  return [name, value];
}

interface DocumentedCommand {
  readonly document: string;
  readonly words: readonly string[];
}

async function commandsOfDocuments(): Promise<readonly DocumentedCommand[]> {
  const found = new Map<string, DocumentedCommand>();
  for await (const document of glob(['*.md', '{docs,examples,deploy}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })) {
    const text = await readFile(join(root, document), 'utf8');
    for (const [, block = ''] of text.matchAll(/^```sh\n([^]*?)^```$/gm)) {
      for (const line of block.replaceAll(/\\\n\s*/g, '').split('\n')) {
        const words = wordsOf(line);
        // What two documents say is run once.
        if (words.length > 0) found.set(words.join(' '), { document, words });
      }
    }
  }
  return [...found.values()];
}

/** The words of a simple command as a shell would split it; what follows a # is a comment. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/'([^']*)'|(\S+)/g)) {
    if (plain?.startsWith('#') === true) break;
    words.push(quoted ?? plain ?? '');
  }
  return words;
}
