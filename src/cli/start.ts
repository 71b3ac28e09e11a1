import type { Command } from 'commander';

import { StopSignals } from '#dev/stop-signals.ts';

import type { Flag } from '../runtime/config.ts';
import { report } from './failures.ts';
import { configHelp, type ConfigOptions, sourcesOf, withConfig } from './options.ts';

interface StartOptions extends ConfigOptions {
  readonly modules?: readonly string[];
  readonly json?: true;
}

/** For production, and what `temjob dev` runs for each of its nodes: it never starts a server. */
export function startCommand(program: Command): void {
  withConfig(program.command('start'))
    .description('one node of a cluster, on the servers of its configuration')
    .option('-m, --modules <files...>', 'modules with workflows, tasks and actors')
    .option('--json', 'the log and errors as JSON, whatever the configuration says')
    .addHelpText(
      'after',
      `${configHelp}

SIGTERM stops it in order: it hands its share over, lets running tasks end, and answers until then.

Examples:
  $ temjob start --config config.yaml
  $ temjob start --config config.yaml --modules ./orders.js ./mails.js
  $ TEMJOB__REDIS__URL=redis://redis TEMJOB__DATABASE__MYSQL__URL=mysql://root@db/temjob temjob start`,
    )
    .action(async (options: StartOptions) => await startNode(options, { hasDoor: true }));
}

export function workerCommand(program: Command): void {
  withConfig(program.command('worker'))
    .description('a node without the HTTP door: it decides and runs tasks, and listens on no port')
    .option('-m, --modules <files...>', 'modules with workflows, tasks and actors')
    .option('--json', 'the log and errors as JSON, whatever the configuration says')
    .addHelpText(
      'after',
      `${configHelp}

Example:
  $ temjob worker --config config.yaml --modules ./orders.js`,
    )
    .action(async (options: StartOptions) => await startNode(options, { hasDoor: false }));
}

async function startNode(
  options: StartOptions,
  { hasDoor }: { readonly hasDoor: boolean },
): Promise<void> {
  // Before anything is loaded: a signal during the start stops it in order, too.
  const signals = new StopSignals(() => process.exit(130), { withParent: true });
  const { modules, json = false } = options;
  const flags: readonly Flag[] = [
    ...(modules ? [{ name: '--modules', key: 'node.modules', value: modules }] : []),
    ...(json ? [{ name: '--json', key: 'logging.format', value: 'json' }] : []),
  ];
  try {
    const { runNode } = await import('../runtime/node-main.ts');
    await runNode({ sources: sourcesOf(options, flags), signals, hasDoor });
  } catch (error) {
    // The parent shows it; without one the terminal does.
    const message = error instanceof Error ? error.message : String(error);
    process.send?.({ type: 'failed', message });
    process.exit(report(error, { json }));
  }
}
