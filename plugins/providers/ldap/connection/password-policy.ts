/**
 * The control of draft-behera-ldap-password-policy: asks the server to report,
 * in its answer to a bind, what its password policy says about the account.
 */
import { Control, type BerReader } from 'ldapts'
import { AnswerError, Elements, Tag } from '../messages/ber.js'

const TYPE = '1.3.6.1.4.1.42.2.27.8.5.1'
const WARNING = 0xa0
const ERROR = 0x81

/** passwordInHistory; the errors after must-change answer a change of the password. */
const LAST_ERROR = 8

/** Elements: the value, its warning and its error. */
const LARGEST_VALUE = 3

export type PolicyError = 'expired' | 'locked' | 'must-change'
const ERRORS: readonly PolicyError[] = ['expired', 'locked', 'must-change']

/** One per bind; ldapts reads the answer into it. */
export class PasswordPolicyControl extends Control {
  error: PolicyError | undefined

  constructor () {
    super(TYPE)
  }

  /** Strict: a truncated value must not hide that the account is locked. */
  protected override parseControl (reader: BerReader): void {
    const value = new Elements(reader.remainingBuffer, { elements: LARGEST_VALUE })
    if (value.next === undefined) return
    const fields = value.enter(Tag.sequence, 'the password policy')
    if (fields.next === WARNING) fields.skip('a warning of the password policy')
    if (fields.next === ERROR) {
      const code = fields.number(ERROR, 'an error of the password policy')
      if (code > LAST_ERROR) throw new AnswerError('an error of the password policy is unknown')
      this.error = ERRORS[code]
    }
    fields.finish('the password policy')
    value.finish('the password policy')
  }
}
