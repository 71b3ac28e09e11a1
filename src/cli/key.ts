import { createHash, randomBytes } from 'node:crypto';

import { type Command, Option } from 'commander';

import { UsageError } from './failures.ts';
import { print, printJson } from './output.ts';

interface CreateOptions {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly json?: true;
}

const known = ['read', 'operate', 'admin'];

export function keyCommand(program: Command): void {
  const key = program.command('key').description('create: a new API key');
  key
    .command('create')
    .description('make a new API key, which is shown once, and what to add to the configuration')
    .requiredOption('--name <name>', 'who has it; appears in logs')
    .addOption(
      new Option('--scopes <scopes>', 'read, operate, admin; each includes those before it')
        .argParser((text: string) => text.split(',').map((scope) => scope.trim()))
        .default(['operate'], 'operate'),
    )
    .option('--json', 'JSON on stdout, for programs')
    .addHelpText(
      'after',
      `
The configuration holds the SHA-256 of the key alone; whoever has the key is let in by it.

  read     sees everything
  operate  starts, cancels and retries workflows, and talks to actors
  admin    drains nodes

Examples:
  $ temjob key create --name ci --scopes operate
  $ TEMJOB_KEY=tk_… temjob list --url https://temjob.example.com`,
    )
    .action(({ name, scopes, json }: CreateOptions) => {
      if (!/^[A-Za-z0-9_.@-]{1,64}$/.test(name)) {
        throw new UsageError('the name of a key has 1 to 64 letters, digits and _ . @ -');
      }
      const stranger = scopes.find((scope) => !known.includes(scope));
      if (stranger !== undefined) {
        throw new UsageError(
          `${JSON.stringify(stranger)} is no scope; those are ${known.join(', ')}`,
        );
      }
      const secret = `tk_${randomBytes(32).toString('base64url')}`;
      const sha256 = createHash('sha256').update(secret).digest('hex');
      if (json) printJson({ key: secret, name, sha256, scopes });
      else print(textOf(secret, { name, sha256, scopes }));
    });
}

function textOf(
  secret: string,
  { name, sha256, scopes }: { name: string; sha256: string; scopes: readonly string[] },
): string {
  return `The key, which is stored nowhere and not shown again:

  ${secret}

For the configuration of every node, which then has to be started again:

server:
  auth:
    keys:
      - name: ${JSON.stringify(name)}
        sha256: "${sha256}"
        scopes: [${scopes.join(', ')}]`;
}
