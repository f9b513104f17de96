/**
 * The control of draft-behera-ldap-password-policy: asks a server to say, with
 * the answer to a bind, what its password policy thinks of the account.
 */
import { Control, type BerReader } from 'ldapts'

const TYPE = '1.3.6.1.4.1.42.2.27.8.5.1'
const WARNING = 0xa0
const ERROR = 0x81

/** What stands in the answer's `error`, as far as a bind can give it. */
export type PolicyError = 'expired' | 'locked' | 'must-change'
const ERRORS: readonly PolicyError[] = ['expired', 'locked', 'must-change']

/** One for each bind; ldapts reads the answer into it. */
export class PasswordPolicyControl extends Control {
  error: PolicyError | undefined

  constructor () {
    super(TYPE)
  }

  protected override parseControl (reader: BerReader): void {
    if (reader.readSequence() === null) return
    if (reader.peek() === WARNING) {
      reader.readSequence()
      reader.offset += reader.length
    }
    if (reader.peek() === ERROR) this.error = ERRORS[reader.readTag(ERROR) ?? -1]
  }
}
