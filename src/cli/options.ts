import { type Command, InvalidArgumentError, Option } from 'commander';

import type { Client } from '#sdk/client.ts';

import type { ConfigSources, Flag } from '../runtime/config.ts';
import { UsageError } from './failures.ts';

// ---- for commands that talk to a cluster ----

export interface ClusterOptions {
  readonly url: string;
  readonly key?: string;
  readonly json?: true;
}

const defaultUrl = 'http://localhost:8088';

export function withCluster(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'of any node of the cluster').env('TEMJOB_URL').default(defaultUrl),
    )
    .addOption(
      new Option('--key <key>', 'API key, for a cluster that asks for one').env('TEMJOB_KEY'),
    )
    .option('--json', 'JSON on stdout, for programs');
}

export async function connectTo({ url, key }: ClusterOptions): Promise<Client> {
  const { connect } = await import('#sdk/connect.ts');
  try {
    return await connect({ url: url || defaultUrl, ...(key ? { apiKey: key } : {}) });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

// ---- for commands that read a configuration ----

export interface ConfigOptions {
  readonly config?: string;
  readonly set: readonly Flag[];
}

export function withConfig(command: Command): Command {
  return command
    .option('-c, --config <file>', 'YAML file')
    .addOption(
      new Option('--set <key=value>', 'one value, like server.port=9000; may be repeated')
        .argParser((text: string, before: readonly Flag[]) => [...before, flagOf(text)])
        .default([], 'none'),
    );
}

export function sourcesOf(
  { config, set }: ConfigOptions,
  more: readonly Flag[] = [],
): ConfigSources {
  return { file: config, env: process.env, flags: [...set, ...more] };
}

/** The words on configuration that every such command has in its help. */
export const configHelp = `
Values come from, the later before the earlier: defaults, the file, the environment
(TEMJOB__SERVER__PORT=9000 is server.port, and TEMJOB__REDIS__PASSWORD_FILE names a
file with the secret), --set. "temjob config print --show-origin" shows them all.`;

function flagOf(text: string): Flag {
  const [, key, value] = /^([a-z_]+(?:\.[a-z_]+)+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) {
    throw new InvalidArgumentError('Write it as section.key=value, like server.port=9000.');
  }
  return { name: `--set ${key}`, key, value };
}

// ---- values ----

export function numberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is needed.`);
  };
}

/** `--tag team=billing --tag region=eu` */
export function tagsOption(description: string): Option {
  return new Option('--tag <key=value>', description).argParser(
    (text: string, before: Readonly<Record<string, string>> | undefined) => {
      const at = text.indexOf('=');
      if (at < 1) throw new InvalidArgumentError('Write it as key=value, like team=billing.');
      return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
    },
  );
}
