/** The users file of a command: a path, or `-`. */
import type { Users } from '../../../users-file/users.js'
import { CommandError } from '../../command-error.js'
import type { UsersEditor } from '../../../users-file/edit.js'
import type { Terminal } from '../../terminal.js'
import { saveToStdout, STDIN } from '../edited-file.js'

interface OpenOptions {
  /** Starts with an empty file if there is none. */
  readonly create?: boolean
  /** Another file that the command reads, perhaps from stdin. */
  readonly otherInput?: string | undefined
}

/**
 * Opens the file, changes it and saves it; starts over if another process has
 * changed the file meanwhile, so that no change is lost.
 * @param change may be called several times; prompts belong in {@link once}
 * @returns the result of the last `change`
 * @throws ValidationError with all errors of the file
 */
export async function changeUsersFile<T> (terminal: Terminal, file: string, change: (editor: UsersEditor) => T | Promise<T>, options: OpenOptions = {}): Promise<T> {
  for (;;) {
    const editor = await openEditor(terminal, file, options)
    const result = await change(editor)
    if (await editor.save()) return result
  }
}

async function openEditor (terminal: Terminal, file: string, { create = false, otherInput }: OpenOptions): Promise<UsersEditor> {
  const { openUsersEditor, UsersEditor } = await import('../../../users-file/edit.js')
  if (file !== STDIN) return await openUsersEditor(file, { create })
  if (otherInput === STDIN) throw new CommandError('the users file and another file can\'t both be read from stdin')
  return new UsersEditor('stdin', await terminal.readStdin(), { save: saveToStdout(terminal, 'users file') })
}

/** Calls `work` only once, and returns its result from every call. */
export function once<T> (work: () => T): () => T {
  let first: { readonly result: T } | undefined
  return () => (first ??= { result: work() }).result
}

export async function readUsersFile (terminal: Terminal, file: string): Promise<Users> {
  const { parseUsers, readUsers } = await import('../../../users-file/read.js')
  return file === STDIN ? parseUsers(await terminal.readStdin(), 'stdin') : await readUsers(file, { pipes: true })
}

/** In messages. */
export function nameOf (file: string): string {
  return file === STDIN ? 'the users file' : file
}
