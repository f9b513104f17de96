/** Why a directory refuses the service account, and what an administrator can do about it. */
import type { BindResult } from './connection.js'
import { refusalIn, type Refusal } from './verdict.js'

/** `undefined` if the account is accepted. */
export function serviceRefusal (result: BindResult): string | undefined {
  const { code, words, policy } = result
  // a bind that succeeds so allows nothing but a change of the password
  if (code === 0 && policy !== 'must-change') return undefined
  const refusal = refusalIn(result)
  if (refusal === undefined) return words
  const said = words === '' ? '' : ` (${words})`
  return refusal === 'wrong' ? `bindDN or bindPassword is wrong${said}` : `${refusal.why}${said}; ${adviceFor(refusal)}`
}

function adviceFor ({ denied, why }: Refusal): string {
  switch (denied) {
    case 'expired': return why.startsWith('the password') ? 'set a new one in the directory and in bindPassword' : 'extend it in the directory'
    case 'locked': return 'unlock it in the directory, and look for what uses a wrong password of it'
    default: return 'allow it in the directory'
  }
}
