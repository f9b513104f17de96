/** What a person has granted to a client: the scopes that it asked for, and the session is for the client to keep. */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { isDeviceFlow } from './device-flow.js'

/**
 * Grants what is asked without a page of its own, if the client is registered with
 * a secret, or if a person has just confirmed the code of a device. Clients
 * without a secret get theirs from the consent page.
 */
export async function loadExistingGrant (ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { account, client, provider, result, session } = ctx.oidc
  if (account === undefined || client === undefined || session === undefined) return undefined
  const { accountId } = account
  const { clientId } = client
  const grantId = result?.consent?.grantId ?? session.grantIdFor(clientId)
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  // of the person who was signed in before
  const grant = found?.accountId === accountId && found.clientId === clientId ? found : undefined
  if (client.applicationType === 'native' && !isDeviceFlow(ctx)) return grant
  const scopes = ctx.oidc.requestParamOIDCScopes
  if (grant !== undefined && [...scopes].every(scope => grant.getOIDCScope().split(' ').includes(scope))) return grant
  return await saveGrant(grant ?? new provider.Grant({ accountId, clientId }), scopes)
}

export async function saveGrant (grant: Grant, scopes: Iterable<string>): Promise<Grant> {
  grant.addOIDCScope([...scopes])
  await grant.save()
  return grant
}
