/** When a person is asked to sign in, and when to approve a client. */
import type { interactionPolicy, KoaContextWithOIDC } from 'oidc-provider'
import { subjectOfAccount } from './account-id.js'
import { isDeviceFlow } from './device-flow.js'
import type { Library } from './library.js'

export function createPrompts ({ interactionPolicy: { Check, base } }: Library): interactionPolicy.DefaultPolicy {
  const policy = base()
  const login = policy.get('login')!.checks
  login.add(new Check('account_gone', 'the signed-in user may no longer sign in', 'login_required', ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined))
  // the provider's own compares with the ID of the account, which is not the subject
  login.remove('id_token_hint')
  login.add(new Check('id_token_hint', 'id_token_hint and the signed-in user do not match', 'login_required', hasOtherSubject))

  const consent = policy.get('consent')!.checks
  // a device was confirmed on the page with its code
  consent.remove('native_client_prompt')
  consent.add(new Check('native_client_prompt', 'clients without a secret need consent', 'interaction_required', ctx => ctx.oidc.client?.applicationType === 'native' && !isDeviceFlow(ctx) && ctx.oidc.result?.consent === undefined))
  return policy
}

function hasOtherSubject ({ oidc }: KoaContextWithOIDC): boolean {
  const hint = oidc.entities.IdTokenHint as { payload: { sub?: unknown } } | undefined
  const accountId = oidc.session?.accountId
  return hint !== undefined && (accountId === undefined || hint.payload.sub !== subjectOfAccount(accountId))
}
