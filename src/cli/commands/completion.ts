/** `authn-webhook completion`, and the hidden command that its scripts call. */
import { Argument, Command } from 'commander'
import { complete } from '../completion/complete.js'
import { SCRIPTS } from '../completion/scripts.js'
import type { Terminal } from '../terminal.js'

export function completionCommand (terminal: Terminal): Command {
  return new Command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', `
Examples:
  $ source <(authn-webhook completion bash)
  $ authn-webhook completion bash > /etc/bash_completion.d/authn-webhook
  $ source <(authn-webhook completion zsh)
  $ authn-webhook completion zsh > "\${fpath[1]}/_authn-webhook"
  $ authn-webhook completion fish > ~/.config/fish/completions/authn-webhook.fish`)
    .action((shell: string) => { terminal.write(SCRIPTS[shell]!) })
}

/** Prints what can complete the last of its arguments; see completion/scripts.ts for the format. */
export function completeCommand (terminal: Terminal): Command {
  return new Command('__complete')
    .argument('[words...]')
    .action((words: string[], _options: object, command: Command) => {
      const { candidates, paths } = complete(command.parent!, words)
      terminal.write(paths === undefined ? candidates.map(({ word, description }) => `${word}\t${description}\n`).join('') : `:${paths}\n`)
    })
}
