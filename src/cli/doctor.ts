import type { Command } from 'commander';

import { exitCodes } from './exit-codes.ts';
import { configHelp, type ConfigOptions, sourcesOf, withConfig } from './options.ts';
import { colored, print, printJson } from './output.ts';

/** What was looked at, and what was found. */
export interface Finding {
  readonly about: string;
  readonly state: 'well' | 'warning' | 'wrong';
  /** What is so, and what to do when it should not be. */
  readonly detail: string;
}

export function doctorCommand(program: Command): void {
  withConfig(program.command('doctor'))
    .description('look whether everything is here that a node needs, and say how to mend it')
    .option('--json', 'JSON on stdout, for programs')
    .addHelpText(
      'after',
      `${configHelp}

Looks at Node.js, the configuration, the servers that it names (or the programs of private ones),
their settings and clocks, the port, the modules and the disk. Fails when something is wrong; a
warning alone is no failure.

Examples:
  $ temjob doctor
  $ temjob doctor --config config.yaml --json | jq '.findings[] | select(.state != "well")'`,
    )
    .action(async (options: ConfigOptions & { readonly json?: true }) => {
      const { examine } = await import('./examination.ts');
      const findings = await examine(sourcesOf(options));
      const wrong = findings.filter(({ state }) => state === 'wrong').length;
      if (options.json) printJson({ well: wrong === 0, findings });
      else print([...findings.map(lineOf), '', verdict(wrong)].join('\n'));
      if (wrong > 0) process.exitCode = exitCodes.failed;
    });
}

const marks = {
  well: ['green', '✔'],
  warning: ['yellow', '!'],
  wrong: ['red', '✘'],
} as const;

function lineOf({ about, state, detail }: Finding): string {
  const [color, mark] = marks[state];
  return `${colored(color, mark)} ${about.padEnd(14)} ${detail}`;
}

function verdict(wrong: number): string {
  if (wrong === 0) return 'All is well.';
  return wrong === 1 ? 'One thing is wrong.' : `${wrong} things are wrong.`;
}
