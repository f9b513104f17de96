/** Why a directory refuses the service account, and what an administrator can do about it. */
import type { BindResult } from './ldap-connection.js'
import { rejectionIn, type AccountDenial } from './bind-outcome.js'

/** `undefined` if the account is accepted. */
export function serviceBindError (result: BindResult): string | undefined {
  const { code, message, policy } = result
  // a bind that succeeds so allows nothing but a change of the password
  if (code === 0 && policy !== 'must-change') return undefined
  const refusal = rejectionIn(result)
  if (refusal === undefined) return message
  const said = message === '' ? '' : ` (${message})`
  return refusal === 'incorrect' ? `bindDN or bindPassword is wrong${said}` : `${refusal.why}${said}; ${adviceFor(refusal)}`
}

function adviceFor ({ denied, why }: AccountDenial): string {
  switch (denied) {
    case 'expired': return why.startsWith('the password') ? 'set a new one in the directory and in bindPassword' : 'extend it in the directory'
    case 'locked': return 'unlock it in the directory, and look for what uses a wrong password of it'
    default: return 'allow it in the directory'
  }
}
