/**
 * Changes a users file as its owner would with an editor: in place, every
 * other line kept. What comes out is read like any users file before it
 * replaces the old one, so that no command leaves a bad file behind, and none
 * touches a file that is already wrong.
 */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { isAlias, isMap, isSeq, type Document, type YAMLMap } from 'yaml'
import { USERS_VERSION, type User, type UserToken } from '../../schemas/users.js'
import type { Users } from './users.js'
import { UsersFileEditError, ValidationError } from '../errors.js'
import { writeFileAtomic } from '../files/write.js'
import { MAX_USERS_BYTES, readBytesSync } from '../files/read.js'
import { decodeText } from '../documents/text.js'
import { parseUsers, readUsersBytes } from './read.js'
import { appendItems, parseYamlText, removeItem, removeKey, setKey, stringAt, stringOf } from './yaml-text.js'

/** The published JSON Schema, beside the sources as beside dist. */
const SCHEMA = ['../..', '../../..']
  .map((root) => fileURLToPath(new URL(`${root}/schemas/json/users.schema.json`, import.meta.url)))
  .find((path) => existsSync(path))

/** Only its owner may read a new file. */
const MODE = 0o600

/**
 * Opens a users file for changes; one that is missing begins empty where `create` says so.
 * @throws ValidationError with everything that is wrong with the file
 */
export async function openUsersEditor (file: string, { create = false } = {}): Promise<UsersEditor> {
  const missing = create && await stat(file).then(() => false, (error: NodeJS.ErrnoException) => error.code === 'ENOENT')
  const original = missing ? undefined : await readUsersBytes(file)
  return new UsersEditor(file, original === undefined ? emptyFile(file) : decodeText(original, file), {
    save: async (text) => await writeFileAtomic(file, text, { ...missing && { mode: MODE }, onlyIf: () => isUnchanged(file, original) })
  })
}

/** @param original its bytes; `undefined` if it did not exist */
function isUnchanged (file: string, original: Buffer | undefined): boolean {
  if (original === undefined) return !existsSync(file)
  const now = readBytesSync(file, { maxBytes: MAX_USERS_BYTES })
  return 'bytes' in now && now.bytes.equals(original)
}

/** With the line that gives editors completion and errors as one types. */
function emptyFile (file: string): string {
  const header = SCHEMA === undefined ? '' : `# yaml-language-server: $schema=${relative(dirname(resolve(file)), SCHEMA)}\n`
  return `${header}# Who may log in, and as whom. "authn-webhook users" changes this file and keeps comments.
apiVersion: ${USERS_VERSION}
users: []
`
}

/** Puts the new text in the place of the one that was opened; `false` if another stands there by now. */
type Save = (text: string) => Promise<boolean>

export class UsersEditor {
  readonly #original: Users
  /** Whom the changes are about, in NFC. */
  readonly #touched = new Set<string>()
  readonly #save: Save
  #text: string

  /** @param file its name, for messages */
  constructor (readonly file: string, text: string, { save }: { readonly save: Save }) {
    this.#text = text
    this.#save = save
    this.#original = parseUsers(text, file)
  }

  /** As the file was when it was opened. */
  get users (): Users {
    return this.#original
  }

  add (users: readonly User[]): void {
    for (const { username } of users) this.#touch(username)
    this.#text = appendItems(this.#text, this.#parse().contents as YAMLMap, 'users', users)
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

  /** @param groups that the user has none of yet, in NFC */
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
      // the list of somebody else, by an alias
      : setKey(this.#text, entry, 'groups', groups.toSpliced(index, 1))
  }

  addToken (username: string, token: UserToken): void {
    this.#text = appendItems(this.#text, this.#find(username).entry, 'tokens', [token])
  }

  /** @param name in NFC */
  removeToken (username: string, name: string): void {
    const { document, entry } = this.#find(username)
    const index = this.#mapsOf(entry, 'tokens').findIndex((token) => stringAt(document, token, 'name')?.normalize('NFC') === name)
    this.#text = removeItem(this.#text, entry, 'tokens', index)
  }

  /**
   * Replaces the file at once, or leaves it as it is.
   * @returns `false` if the file has changed since it was opened: then nothing was written
   * @throws UsersFileEditError where the result would have errors
   */
  async save (): Promise<boolean> {
    const users = this.#parseResult()
    if (!isDeepStrictEqual(this.#untouched(this.#original), this.#untouched(users))) {
      throw new UsersFileEditError(`${this.file} is laid out in a way that this command can't change without touching other users; change it in an editor`)
    }
    return await this.#save(this.#text)
  }

  #parseResult (): Users {
    try {
      return parseUsers(this.#text, this.file)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      // their lines are of a file that nobody can look at
      const errors = new ValidationError(error.file, error.errors.map(({ path, message }) => ({ path, message })))
      throw new UsersFileEditError(`nothing was written, since the result would be wrong: ${errors.message}`, { cause: errors })
    }
  }

  #parse (): Document.Parsed {
    return parseYamlText(this.#text)
  }

  #find (username: string): { document: Document.Parsed, root: YAMLMap, index: number, entry: YAMLMap } {
    const name = this.#touch(username)
    const document = this.#parse()
    const root = document.contents as YAMLMap
    const entries = this.#mapsOf(root, 'users')
    const index = entries.findIndex((user) => stringAt(document, user, 'username')?.normalize('NFC') === name)
    return { document, root, index, entry: entries[index]! }
  }

  /** @throws UsersFileEditError where an alias stands in place of the list or of an item */
  #mapsOf (map: YAMLMap, key: string): YAMLMap[] {
    const list = map.get(key)
    if (!isSeq(list) || !list.items.every(isMap)) throw this.#unchangeable()
    return list.items as YAMLMap[]
  }

  #unchangeable (): Error {
    return new UsersFileEditError(`${this.file} uses YAML aliases in a way that this command can't change; change it in an editor`)
  }

  #touch (username: string): string {
    const name = username.normalize('NFC')
    this.#touched.add(name)
    return name
  }

  #untouched (users: Users): Map<string, unknown> {
    return new Map([...users].filter(({ info }) => !this.#touched.has(info.username)).map((user) => [user.info.username, user]))
  }
}

function groupsOf (document: Document.Parsed, entry: YAMLMap): string[] {
  const list: unknown = entry.get('groups')
  const target = isAlias(list) ? list.resolve(document) : list
  return isSeq(target) ? target.items.map((item) => stringOf(document, item)!) : []
}
