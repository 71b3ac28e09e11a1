import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { version } from '#cluster/version.ts';

import { UsageError } from './failures.ts';
import { print, printJson } from './output.ts';

const template = fileURLToPath(new URL('../../examples/starter', import.meta.url));

export function createCommand(program: Command): void {
  program
    .command('create')
    .description('a project of your own: a workflow, its tests, a configuration, a Dockerfile')
    .argument('<directory>', 'new, or empty')
    .option('--json', 'JSON on stdout, for programs')
    .addHelpText(
      'after',
      `
Nothing is installed, and nothing that is there is overwritten.

Example:
  $ temjob create my-workflows
  $ cd my-workflows && npm install && npm run dev`,
    )
    .action(async (directory: string, { json }: { readonly json?: true }) => {
      const name = packageName(directory);
      await createProject(resolve(directory), name);
      if (json) return printJson({ directory: resolve(directory), name });
      print(`${directory} is a project now. Next:

  cd ${/^[\w./~-]+$/.test(directory) ? directory : `'${directory.replaceAll("'", `'\\''`)}'`}
  npm install
  npm run dev     # a cluster with private servers, and the console; what you save is reloaded
  npm test        # your workflows in memory: pauses take no time`);
    });
}

async function createProject(directory: string, name: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new UsageError(
      `${directory} is not empty, and nothing in it shall be overwritten. Name a directory that is new or empty.`,
    );
  }
  await cp(template, directory, { recursive: true });
  const file = join(directory, 'package.json');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text
      .replace('"name": "my-workflows"', `"name": ${JSON.stringify(name)}`)
      .replace(/"temjob": "[^"]*"/, `"temjob": "^${version}"`),
  );
  // npm leaves such a file out of what it publishes.
  await writeFile(join(directory, '.gitignore'), 'node_modules/\n.temjob/\n');
}

/** What npm takes: https://docs.npmjs.com/cli/configuring-npm/package-json#name */
function packageName(directory: string): string {
  const name = basename(resolve(directory))
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  return name === '' ? 'my-workflows' : name;
}
