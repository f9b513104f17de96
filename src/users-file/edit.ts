/**
 * Changes a users file in place, as its owner would in an editor, and keeps
 * every other line. The result is checked like any users file before it
 * replaces the old one. A file that has errors already is not changed.
 */
import { existsSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { isAlias, isMap, isSeq, type Document, type YAMLMap } from 'yaml'
import { USERS_VERSION, type User, type UserToken } from '../../schemas/users.js'
import { decodeText } from '../documents/text.js'
import { UsersFileEditError, ValidationError } from '../errors.js'
import { MAX_USERS_BYTES, readBytesSync } from '../files/read.js'
import { signatureOf } from '../files/signature.js'
import { writeFileAtomic } from '../files/write.js'
import { parseUsers, readUsersBytes } from './read.js'
import type { Users } from './users.js'
import { appendItems, parseYamlText, removeItem, removeKey, setKey, stringAt, stringOf } from '../documents/yaml-text.js'

/** The published JSON Schema, relative to src/ or dist/src/. */
const SCHEMA = ['../..', '../../..']
  .map((root) => fileURLToPath(new URL(`${root}/schemas/json/users.schema.json`, import.meta.url)))
  .find((path) => existsSync(path))

/** Of a new file: readable by its owner only. */
const MODE = 0o600

/**
 * @param create begins with an empty file if it is missing
 * @throws ValidationError with every error of the file
 */
export async function openUsersEditor (file: string, { create = false } = {}): Promise<UsersEditor> {
  const missing = create && signatureOf(file) === 'ENOENT'
  const original = missing ? undefined : await readUsersBytes(file)
  return new UsersEditor(file, original === undefined ? emptyFile(file) : decodeText(original, file), {
    save: async (text) => await writeFileAtomic(file, text, { ...missing && { mode: MODE }, onlyIf: () => isUnchanged(file, original) })
  })
}

/** @param original `undefined` if the file did not exist */
function isUnchanged (file: string, original: Buffer | undefined): boolean {
  if (original === undefined) return !existsSync(file)
  const current = readBytesSync(file, { maxBytes: MAX_USERS_BYTES })
  return 'bytes' in current && current.bytes.equals(original)
}

/** With a line that gives editors completion and errors. */
function emptyFile (file: string): string {
  const header = SCHEMA === undefined ? '' : `# yaml-language-server: $schema=${relative(dirname(resolve(file)), SCHEMA)}\n`
  return `${header}# Who may log in, and as whom. "authn-webhook users" changes this file and keeps comments.
apiVersion: ${USERS_VERSION}
users: []
`
}

export class UsersEditor {
  /** The users of the file when it was opened. */
  readonly users: Users
  /** Names that changes were about, in NFC. */
  readonly #changed = new Set<string>()
  readonly #save: (text: string) => Promise<boolean>
  #text: string

  /**
   * @param file for errors
   * @param options.save replaces the text that was opened; returns `false` if it has changed since
   */
  constructor (readonly file: string, text: string, { save }: { readonly save: (text: string) => Promise<boolean> }) {
    this.#text = text
    this.#save = save
    this.users = parseUsers(text, file)
  }

  add (users: readonly User[]): void {
    for (const { username } of users) this.#changed.add(username.normalize('NFC'))
    this.#text = appendItems(this.#text, parseYamlText(this.#text).contents as YAMLMap, 'users', users)
  }

  remove (username: string): void {
    const { root, index } = this.#find(username)
    this.#text = removeItem(this.#text, root, 'users', index)
  }

  set (username: string, key: 'disabled' | 'passwordHash' | 'uid' | 'expiresAt', value: boolean | string): void {
    this.#text = setKey(this.#text, this.#find(username).entry, key, value)
  }

  unset (username: string, key: 'uid' | 'expiresAt'): void {
    this.#text = removeKey(this.#text, this.#find(username).entry, key)
  }

  /** @param groups in NFC, none of which the user has yet */
  addGroups (username: string, groups: readonly string[]): void {
    const { document, entry } = this.#find(username)
    const list = entry.get('groups')
    this.#text = isSeq(list) && list.items.length > 0
      ? appendItems(this.#text, entry, 'groups', groups)
      : setKey(this.#text, entry, 'groups', [...groupsOf(document, entry), ...groups])
  }

  /** @param group in NFC */
  removeGroup (username: string, group: string): void {
    const { document, entry } = this.#find(username)
    const groups = groupsOf(document, entry)
    const index = groups.findIndex((name) => name.normalize('NFC') === group)
    this.#text = isSeq(entry.get('groups'))
      ? removeItem(this.#text, entry, 'groups', index)
      // an alias of the list of another user
      : setKey(this.#text, entry, 'groups', groups.toSpliced(index, 1))
  }

  addToken (username: string, token: UserToken): void {
    this.#text = appendItems(this.#text, this.#find(username).entry, 'tokens', [token])
  }

  /** @param name in NFC */
  removeToken (username: string, name: string): void {
    const { document, entry } = this.#find(username)
    this.#text = removeItem(this.#text, entry, 'tokens', this.#indexOf(document, entry, 'tokens', 'name', name))
  }

  /**
   * Replaces the file atomically, or leaves it unchanged.
   * @returns `false` if the file has changed since it was opened: then nothing was written
   * @throws UsersFileEditError if the result would have errors
   */
  async save (): Promise<boolean> {
    if (!isDeepStrictEqual(this.#unchanged(this.users), this.#unchanged(this.#parseResult()))) {
      throw new UsersFileEditError(`${this.file} is laid out in a way that this command can't change without touching other users; change it in an editor`)
    }
    return await this.#save(this.#text)
  }

  #parseResult (): Users {
    try {
      return parseUsers(this.#text, this.file)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      // without lines: they are those of a text that is not saved
      const errors = new ValidationError(error.file, error.errors.map(({ path, message }) => ({ path, message })))
      throw new UsersFileEditError(`nothing was written, since the result would have errors: ${errors.message}`, { cause: errors })
    }
  }

  #find (username: string): { document: Document.Parsed, root: YAMLMap, index: number, entry: YAMLMap } {
    const name = username.normalize('NFC')
    this.#changed.add(name)
    const document = parseYamlText(this.#text)
    const root = document.contents as YAMLMap
    const index = this.#indexOf(document, root, 'users', 'username', name)
    return { document, root, index, entry: root.getIn(['users', index]) as YAMLMap }
  }

  /**
   * The index in the list `map[list]` of the item whose `key` is `name`.
   * @throws UsersFileEditError if an alias stands for the list or an item
   */
  #indexOf (document: Document.Parsed, map: YAMLMap, list: string, key: string, name: string): number {
    const items = map.get(list)
    if (!isSeq(items) || !items.items.every(isMap)) throw new UsersFileEditError(`${this.file} uses YAML aliases in a way that this command can't change; change it in an editor`)
    return items.items.findIndex((item) => stringAt(document, item, key)?.normalize('NFC') === name)
  }

  #unchanged (users: Users): Map<string, unknown> {
    return new Map([...users].filter(({ info }) => !this.#changed.has(info.username)).map((user) => [user.info.username, user]))
  }
}

function groupsOf (document: Document.Parsed, entry: YAMLMap): string[] {
  const list: unknown = entry.get('groups')
  const target = isAlias(list) ? list.resolve(document) : list
  return isSeq(target) ? target.items.map((item) => stringOf(document, item)!) : []
}
