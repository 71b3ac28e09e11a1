import { Argument, type Command } from 'commander';

import { print, printJson } from './output.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function completionCommand(program: Command): void {
  program
    .command('completion')
    .description('a script that lets the shell complete commands and options')
    .addArgument(new Argument('<shell>', 'to print it for').choices(shells))
    .option('--json', 'JSON on stdout, for programs')
    .addHelpText(
      'after',
      `
Examples:
  $ source <(temjob completion bash)             for this shell; add the line to ~/.bashrc
  $ source <(temjob completion zsh)              the same for ~/.zshrc
  $ temjob completion fish > ~/.config/fish/completions/temjob.fish`,
    )
    .action((shell: (typeof shells)[number], { json }: { readonly json?: true }) => {
      const words = wordsOf(program, []);
      const script = shell === 'fish' ? fish(words) : bash(words, shell === 'zsh');
      if (json) printJson({ shell, script });
      else print(script);
    });
}

/** What may follow `temjob` and these words. */
interface Words {
  readonly after: readonly string[];
  readonly words: readonly string[];
}

function wordsOf(command: Command, after: readonly string[]): readonly Words[] {
  const options = command.options.flatMap(({ long }) => (long === undefined ? [] : [long]));
  const below = command.commands.map((one) => one.name());
  return [
    { after, words: [...below, ...options, '--help'] },
    ...command.commands.flatMap((one) => wordsOf(one, [...after, one.name()])),
  ];
}

function bash(all: readonly Words[], isZsh: boolean): string {
  const cases = all
    .toReversed()
    .map(({ after, words }) => `    '${[...after, ''].join(' ')}'*) words='${words.join(' ')}' ;;`);
  return `${isZsh ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_temjob() {
  local words
  case "\${COMP_WORDS[*]:1:COMP_CWORD-1} " in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _temjob temjob`;
}

function fish(all: readonly Words[]): string {
  return all
    .map(({ after, words }) => {
      const condition =
        after.length === 0
          ? '__fish_use_subcommand'
          : after.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
      return `complete -c temjob -n '${condition}' -a '${words.join(' ')}'`;
    })
    .join('\n');
}
