/** The pages on which a person signs in for a client, and approves it. */
import type Provider from 'oidc-provider'
import type { InteractionResults } from 'oidc-provider'
import { SCOPES } from './claims.js'
import { textOf, type Answer, type BrowserRequest } from './answer.js'
import type { Browser } from './browser.js'
import { ERRORS } from './pages/texts.js'
import { saveGrant } from './grants.js'
import type { Login } from './login.js'
import type { SignInProblem } from './pages/models.js'
import { AMR, PROBLEM_STATUS } from './password-attempts.js'

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** What every page of an interaction needs. */
interface Open {
  readonly login: Login
  readonly provider: Provider
  readonly interaction: Interaction
  readonly browser: Browser
  readonly clientName: string
  readonly redirectURI: string | undefined
}

export async function showInteraction (login: Login, uid: string, request: BrowserRequest): Promise<Answer> {
  const open = await openInteraction(login, uid, request)
  if (open === undefined) return expired(login)
  return open.interaction.prompt.name === 'consent' ? await consentPage(open, request.address) : signInPage(open)
}

export async function submitPassword (login: Login, uid: string, request: BrowserRequest): Promise<Answer> {
  const open = await openInteraction(login, uid, request)
  if (open === undefined) return expired(login)
  const { provider, interaction, browser } = open
  if (!browser.accepts(request.fields['csrf'], uid)) return formExpired(login)
  // a form of a page before this one
  if (interaction.prompt.name !== 'login') return { location: `${login.base}/interaction/${uid}` }

  const { fields, address } = request
  const username = textOf(fields['username'])
  const { person, problem } = await login.attempts.check({ username, password: textOf(fields['password']), client: textOf(interaction.params['client_id']), grant: interaction.deviceCode === undefined ? 'authorizationCode' : 'deviceCode', address, throttled: await login.isThrottled(request.request) })
  if (problem !== undefined) return signInPage(open, problem, username)
  await endOtherSession(provider, interaction, person.accountId)
  return await finish(open, request, { login: { accountId: person.accountId, amr: AMR, browser: browser.digest } })
}

export async function submitConsent (login: Login, uid: string, request: BrowserRequest): Promise<Answer> {
  const open = await openInteraction(login, uid, request)
  if (open === undefined) return expired(login)
  const { provider, interaction, browser } = open
  if (!browser.accepts(request.fields['csrf'], uid)) return formExpired(login)
  const accountId = interaction.session?.accountId
  if (interaction.prompt.name !== 'consent' || accountId === undefined) return { location: `${login.base}/interaction/${uid}` }
  if (request.fields['decision'] !== 'approve') return await finish(open, request, { error: 'access_denied', error_description: 'the user did not approve' })
  const clientId = textOf(interaction.params['client_id'])
  const scopes = textOf(interaction.params['scope']).split(' ').filter(scope => SCOPES.includes(scope))
  const grant = await saveGrant(new provider.Grant({ accountId, clientId }), scopes)
  return await finish(open, request, { consent: { grantId: grant.jti } })
}

/** @returns `undefined` if it has expired, is over, or belongs to another browser */
async function openInteraction (login: Login, uid: string, request: BrowserRequest): Promise<Open | undefined> {
  const provider = login.provider()
  const interaction = await details(login, provider, request)
  if (interaction?.uid !== uid) return undefined
  const client = await provider.Client.find(textOf(interaction.params['client_id']))
  if (client === undefined) return undefined
  const { redirect_uri: redirectURI } = interaction.params
  return {
    login,
    provider,
    interaction,
    browser: login.browserOf(request),
    clientName: client.clientName ?? client.clientId,
    redirectURI: typeof redirectURI === 'string' ? redirectURI : undefined
  }
}

async function details ({ library: { errors } }: Login, provider: Provider, { request, response }: BrowserRequest): Promise<Interaction | undefined> {
  try {
    return await provider.interactionDetails(request, response)
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

/** The session of somebody else, or of the same person before a change of the password, ends when another one begins. */
async function endOtherSession (provider: Provider, interaction: Interaction, accountId: string): Promise<void> {
  const { session } = interaction
  if (session === undefined || session.accountId === accountId) return
  const other = await provider.Session.findByUid(session.uid)
  await other?.destroy()
  interaction.session = undefined
  await interaction.persist()
}

async function finish ({ provider, interaction: { prompt } }: Open, { request, response }: BrowserRequest, result: InteractionResults): Promise<Answer> {
  return { location: await provider.interactionResult(request, response, result, { mergeWithLastSubmission: prompt.name === 'consent' }) }
}

function signInPage ({ login, interaction, browser, clientName, redirectURI }: Open, problem?: SignInProblem, username = textOf(interaction.params['login_hint'])): Answer {
  const { uid } = interaction
  return {
    status: problem === undefined ? 200 : PROBLEM_STATUS[problem],
    html: login.pages.signIn({ action: `${login.base}/interaction/${uid}/login`, csrf: browser.formToken(uid), username, clientName, problem }),
    formAction: redirectURI
  }
}

async function consentPage ({ login, interaction, browser, clientName, redirectURI }: Open, address: string): Promise<Answer> {
  const { uid, session } = interaction
  const person = session === undefined ? undefined : await login.accounts.find(session.accountId, address)
  if (person === undefined) return expired(login)
  return {
    status: 200,
    html: login.pages.consent({ action: `${login.base}/interaction/${uid}/consent`, csrf: browser.formToken(uid), clientName, redirectHost: hostOf(redirectURI), username: person.user.username }),
    formAction: redirectURI
  }
}

/** Of a URI with a scheme of its own there is the scheme. */
function hostOf (uri: string | undefined): string {
  if (uri === undefined) return ''
  const { host, protocol } = new URL(uri)
  return host === '' ? protocol : host
}

function expired ({ pages }: Login): Answer {
  return { status: 400, html: pages.error(ERRORS.expired) }
}

function formExpired ({ pages }: Login): Answer {
  return { status: 403, html: pages.error(ERRORS.forged) }
}
