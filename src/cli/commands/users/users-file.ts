/**
 * The users file that a command changes: a path, or `-`, which reads it from
 * stdin and writes it to stdout, for a file that lies in a Kubernetes Secret.
 * What else would go to stdout goes to stderr then.
 */
import type { Users } from '../../../users-file/users.js'
import { CommandError } from '../../command-error.js'
import type { UsersEditor } from '../../../users-file/edit.js'
import type { Terminal } from '../../terminal.js'
import { writeOut } from '../shown-once.js'

const STDIN = '-'

interface OpenOptions {
  /** Begins empty where the file is missing. */
  readonly create?: boolean
  /** Another file that the command reads. */
  readonly beside?: string | undefined
}

/**
 * Opens the file, has it changed and saves it; again from its beginning if
 * another command or an editor changes the file meanwhile, so that no change
 * undoes another.
 * @param change may be called several times; what it asks of a person, {@link once}
 * @returns what the last `change` did
 * @throws ValidationError with everything that is wrong with the file
 */
export async function changeUsersFile<T> (terminal: Terminal, file: string, change: (editor: UsersEditor) => T | Promise<T>, options: OpenOptions = {}): Promise<T> {
  for (;;) {
    const editor = await openEditor(terminal, file, options)
    const result = await change(editor)
    if (await editor.save()) return result
  }
}

async function openEditor (terminal: Terminal, file: string, { create = false, beside }: OpenOptions): Promise<UsersEditor> {
  const { openUsersEditor, UsersEditor } = await import('../../../users-file/edit.js')
  if (file !== STDIN) return await openUsersEditor(file, { create })
  if (beside === STDIN) throw new CommandError('the users file and another one can\'t both be read from stdin')
  return new UsersEditor('stdin', await terminal.readStdin(), {
    save: async (text) => {
      await writeOut(terminal, text, 'the changed users file is lost; run the command again')
      return true
    }
  })
}

/** `work`, which is done at the first call, and whose result every other call gives. */
export function once<T> (work: () => T): () => T {
  let done: { readonly result: T } | undefined
  return () => {
    done ??= { result: work() }
    return done.result
  }
}

export async function readUsersFile (terminal: Terminal, file: string): Promise<Users> {
  const { parseUsers, readUsers } = await import('../../../users-file/read.js')
  return file === STDIN ? parseUsers(await terminal.readStdin(), 'stdin') : await readUsers(file, { pipes: true })
}

/** What messages call it. */
export function nameOf (file: string): string {
  return file === STDIN ? 'the users file' : file
}

/** Where the result of a change is printed. */
export function besideUsersFile (terminal: Terminal, file: string): Terminal {
  return file === STDIN ? { ...terminal, stdout: terminal.stderr, print: terminal.note } : terminal
}
