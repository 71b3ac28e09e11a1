import type { Command } from 'commander';

import { formatDuration } from '#actors/duration.ts';

import type { Configuration } from '../runtime/config.ts';
import { configHelp, type ConfigOptions, sourcesOf, withConfig } from './options.ts';
import { colored, print, printJson, table } from './output.ts';

interface PrintOptions extends ConfigOptions {
  readonly showOrigin?: true;
  readonly json?: true;
}

export function configCommand(program: Command): void {
  const config = program
    .command('config')
    .description('print: every key with its value, and where it comes from');
  withConfig(config.command('print'))
    .description('every key with its value, secrets hidden')
    .option('--show-origin', 'where each value comes from')
    .option('--json', 'JSON on stdout, for programs')
    .addHelpText(
      'after',
      `${configHelp}

Keys that have no effect are named on stderr.

Examples:
  $ temjob config print --config config.yaml --show-origin
  $ temjob config print --json | jq -r '.[] | select(.origin != "default") | .key'`,
    )
    .action(async (options: PrintOptions) => {
      const { readConfig } = await import('../runtime/config.ts');
      const { allKeys } = await import('../runtime/config-schema.ts');
      const configuration = readConfig(sourcesOf(options));
      const rows = allKeys().map(({ key, facts }) => ({
        key,
        value: shown(valueAt(configuration, key), facts),
        origin: configuration.given.get(key)?.origin ?? 'default',
      }));
      if (options.json) printJson(rows);
      else {
        const columns = ['KEY', 'VALUE', ...(options.showOrigin ? ['ORIGIN'] : [])];
        print(
          table(
            columns,
            rows.map(({ key, value, origin }) => [key, textOf(value), origin]),
          ),
        );
      }
      for (const note of configuration.notes) process.stderr.write(`! ${note}\n`);
    });
}

type Shown = string | number | boolean | null | readonly string[];

function valueAt({ config }: Configuration, key: string): unknown {
  let at: unknown = config;
  for (const name of key.split('.')) {
    at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined;
  }
  return at;
}

function shown(value: unknown, facts: { readonly secret?: true; readonly duration?: true }): Shown {
  if (value === undefined) return null;
  if (facts.secret) {
    const isThere = Array.isArray(value) ? value.length > 0 : value !== '';
    return isThere ? '[hidden]' : '';
  }
  if (Array.isArray(value)) return value.map(String);
  if (facts.duration && typeof value === 'number') return formatDuration(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function textOf(value: Shown): string {
  if (value === null) return colored('dim', '-');
  if (value === '') return colored('dim', '""');
  return typeof value === 'object' ? value.join(',') || colored('dim', '[]') : String(value);
}
