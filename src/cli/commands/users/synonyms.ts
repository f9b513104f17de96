/** Words that people type for a `users` command, from other programs: not run, but answered with the right one. */
import { Command } from 'commander'
import { CommandError } from '../../command-error.js'

const SYNONYMS: Readonly<Record<string, string>> = {
  create: 'add',
  new: 'add',
  delete: 'remove',
  del: 'remove',
  rm: 'remove',
  update: 'edit',
  modify: 'edit',
  set: 'edit',
  passwd: 'set-password',
  password: 'set-password',
  revoke: 'remove-token',
  lock: 'disable',
  unlock: 'enable',
  show: 'list',
  ls: 'list'
}

/** Not listed in help, nor completed. */
export function addSynonyms (users: Command): void {
  for (const [word, right] of Object.entries(SYNONYMS)) {
    const synonym = new Command(word)
      .argument('[arguments...]')
      .allowUnknownOption()
      .helpOption(false)
      .action(() => { throw new CommandError(`there is no "users ${word}"; use "users ${right}"`) })
    users.addCommand(synonym, { hidden: true })
  }
}
