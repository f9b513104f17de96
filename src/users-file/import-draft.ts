/** What the readers of other programs' files gather before it becomes users. */
import type { User, UserToken } from '../../schemas/users.js'
import type { FieldError } from '../errors.js'

/** A user, the line where it was read first, and its tokens. */
export interface Draft {
  readonly user: User
  readonly tokens: UserToken[]
  readonly line: number
}

export interface Reading {
  readonly drafts: Map<string, Draft>
  readonly errors: FieldError[]
  readonly warnings: FieldError[]
}
