import { Command, CommanderError } from 'commander';

import { didYouMean } from '#actors/did-you-mean.ts';
import { version } from '#cluster/version.ts';

import { cancelCommand } from './cancel.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { createCommand } from './create.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { exitCodes, exitCodesHelp } from './exit-codes.ts';
import { report, UsageError } from './failures.ts';
import { keyCommand } from './key.ts';
import { listCommand } from './list.ts';
import { migrateCommand } from './migrate.ts';
import { retryCommand } from './retry.ts';
import { runCommand } from './run.ts';
import { showCommand } from './show.ts';
import { signalCommand } from './signal.ts';
import { startCommand, workerCommand } from './start.ts';

/**
 * The command line. Each command is a file of its own that imports what is heavy only when it is run. Sets the exit code
 * and leaves the process to end by itself: a node goes on.
 */
export async function runProgram(args: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    const program = makeProgram();
    refuseUnknown(program, args[0]);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong, or has shown the help.
    process.exitCode =
      error instanceof CommanderError
        ? Math.min(error.exitCode, 1) * exitCodes.usage
        : report(error, { json: args.includes('--json') });
  }
}

function makeProgram(): Command {
  const program = new Command('temjob')
    .description('A workflow runtime: every workflow is a durable actor.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print what a command takes, with examples')
    .showHelpAfterError('(--help shows what it takes)')
    .helpCommand(false)
    .exitOverride()
    .addHelpText('after', exitCodesHelp)
    .addHelpText(
      'after',
      `
To begin with:
  $ temjob dev                                  a cluster of three nodes to play with
  $ temjob create my-workflows                  a project of your own
  $ temjob run notification_workflow '{"recipient": "ada@example.com"}' --watch
  $ temjob doctor --config config.yaml          is everything here that a node needs?
  $ temjob start --config config.yaml           a node on your servers`,
    );

  program.commandsGroup('Nodes:');
  devCommand(program);
  startCommand(program);
  workerCommand(program);
  createCommand(program);
  program.commandsGroup('Workflows:');
  runCommand(program);
  listCommand(program);
  showCommand(program);
  signalCommand(program);
  cancelCommand(program);
  retryCommand(program);
  program.commandsGroup('Operation:');
  doctorCommand(program);
  migrateCommand(program);
  configCommand(program);
  keyCommand(program);
  completionCommand(program);
  return program;
}

/** Without it a word that is no command would be an argument of the default one. */
function refuseUnknown(program: Command, word: string | undefined): void {
  if (word === undefined || word.startsWith('-')) return;
  const names = program.commands.map((command) => command.name());
  if (names.includes(word)) return;
  throw new UsageError(
    `there is no command ${JSON.stringify(word)}.${didYouMean(word, names)} "temjob --help" shows them all.`,
  );
}
