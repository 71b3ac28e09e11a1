import { readFile } from 'node:fs/promises';

import { expect } from 'chai';
import { publint } from 'publint';
import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { openDoors } from '../support/doors.ts';
import { installedPackage, type InstalledPackage } from '../support/installed.ts';
import { freshDatabase, freshPrefix, sharedServers } from '../support/servers.ts';

const javascript = `
import { connect, workflow } from 'temjob';

const greet = workflow('greet')
  .task('compose', { run: ({ name }) => ({ text: 'Hello, ' + name }) })
  .build();

const client = await connect({
  redis: process.env.REDIS_URL,
  mysql: process.env.MYSQL_URL,
  redisPrefix: process.env.REDIS_PREFIX,
  modules: [new URL('./tasks.js', import.meta.url)],
  definitions: [greet],
});
console.log((await client.execute(greet, { name: 'Ada' })).text);
console.log((await client.execute('threaded', {})).isMain);
await client.close();
await client.close();
`;

const tasks = `
import { isMainThread } from 'node:worker_threads';
import { workflow } from 'temjob';

export const threaded = workflow('threaded')
  .task('where', { run: () => ({ isMain: isMainThread }) })
  .build();
`;

const typescript = `
import { connect, workflow } from 'temjob';
import { testEnvironment } from 'temjob/testing';
import { z } from 'zod';

export const greet = workflow('greet', { input: z.object({ name: z.string() }) })
  .task('compose', { run: ({ name }) => ({ text: \`Hello, \${name}\` }) })
  .build();

const run = testEnvironment().start(greet, { name: 'Ada' });
const { text }: { readonly text: string } = await run.result();
console.log(text);

const { greetings } = await import('./greetings.ts');
await using client = await connect({ url: process.env['DOOR_URL'] ?? '' });
for (const name of greetings) console.log((await client.execute(greet, { name })).text);
// @ts-expect-error a name is text
void (() => client.start(greet, { name: 7 }));
`;

const greet = workflow('greet', { input: z.object({ name: z.string() }) })
  .task('compose', { run: ({ name }) => ({ text: `Hello, ${name}` }) })
  .build();

const greetings = `export const greetings: readonly string[] = ['Bob'];\n`;

describe('the package as it is published', () => {
  let installed: InstalledPackage;

  before(async function () {
    this.timeout(120_000);
    installed = await installedPackage();
  });

  it('has JavaScript, declarations, samples, the console and the template of a project, and no sources or tests', () => {
    expect(installed.files).to.include.members([
      'LICENSE',
      'README.md',
      'package.json',
      'dist/src/main.js',
      'dist/src/sdk/index.js',
      'dist/src/sdk/index.d.ts',
      'dist/src/sdk/testing.js',
      'dist/src/cluster/compute/thread.js',
      'dist/src/dev/warden-process.js',
      'dist/examples/index.js',
      'dist/web/index.html',
      'dist/examples/starter/package.json',
      'dist/examples/starter/test/orders.test.ts',
    ]);
    const ours = installed.files.filter((file) => !file.startsWith('dist/examples/starter/'));
    const strangers = ours.filter(
      (file) =>
        !/^(LICENSE|README(\.zh-CN)?\.md|package\.json|dist\/)/.test(file) ||
        /(?<!\.d)\.ts$/.test(file),
    );
    expect(strangers).to.deep.equal([]);
  });

  it('has nothing that publint would have done otherwise', async () => {
    const { messages } = await publint({ pkgDir: installed.packageDirectory, strict: true });
    expect(messages).to.deep.equal([]);
  });

  it('gives its types to every resolver of ES modules', async () => {
    const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core');
    const analysis = await checkPackage(
      createPackageFromTarballData(await readFile(installed.tarball)),
    );
    // It is ESM alone: what cannot import that is not promised anything.
    const promised = ['node16-esm', 'bundler'];
    expect(analysis).to.have.property('problems');
    const problems = 'problems' in analysis ? analysis.problems : [];
    expect(
      problems.filter(
        (problem) => !('resolutionKind' in problem) || promised.includes(problem.resolutionKind),
      ),
    ).to.deep.equal([]);
  });

  it('runs a quick start in JavaScript as a node, in threads too', async () => {
    const servers = await sharedServers();
    await installed.write('quick-start.js', javascript);
    await installed.write('tasks.js', tasks);
    const said = await installed.run('quick-start.js', {
      REDIS_URL: servers.redis,
      MYSQL_URL: await freshDatabase(servers),
      REDIS_PREFIX: freshPrefix(),
    });
    expect(said).to.equal('Hello, Ada\nfalse\n');
  });

  it('type-checks and runs one in TypeScript, in memory and over HTTP', async () => {
    await installed.write('quick-start.ts', typescript);
    await installed.write('greetings.ts', greetings);
    await using cluster = await startCluster({ definitions: [greet] });
    await using doors = await openDoors(cluster.apis);
    await installed.check('quick-start.ts');
    const said = await installed.run('quick-start.ts', { DOOR_URL: doors.url });
    expect(said).to.equal('Hello, Ada\nHello, Bob\n');
  });

  it('has the command line', async () => {
    const said = await installed.run('node_modules/.bin/temjob', {}, '--help');
    expect(said).to.match(/Usage: temjob/);
  });

  it('loads neither drivers nor server for a client that speaks HTTP', async () => {
    await installed.write(
      'loaded.js',
      `
import { registerHooks } from 'node:module';
const asked = [];
registerHooks({ resolve: (name, context, next) => (asked.push(name), next(name, context)) });
const { connect } = await import('temjob');
const heavy = ['ioredis', 'mysql2', 'mikro-orm', 'express', 'piscina', 'pino', 'zod'];
console.log(typeof connect, heavy.filter((one) => asked.some((name) => name.includes(one))));
`,
    );
    expect(await installed.run('loaded.js', {})).to.equal('function []\n');
  });
});
