/** `authn-webhook completion`: makes the Tab key know the commands. */
import { Argument, Command } from 'commander'
import { bashCompletion } from '../completion/bash.js'
import { fishCompletion } from '../completion/fish.js'
import { completionTree, type CompletionNode } from '../completion/tree.js'
import { zshCompletion } from '../completion/zsh.js'
import type { Terminal } from '../terminal.js'

const SCRIPTS: Record<string, (program: string, nodes: readonly CompletionNode[]) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion
}

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
    .action((shell: string, _options: object, command: Command) => {
      const program = command.parent!
      terminal.write(SCRIPTS[shell]!(program.name(), completionTree(program)))
    })
}
