/** The service's own pages: who is signed in, and a token and kubeconfigs for each cluster. */
import type { ClientConfig, ClusterConfig } from '../../schemas/login.js'
import type { Person } from './accounts.js'
import { SCOPES } from './claims.js'
import { textOf, type Answer, type BrowserRequest } from './answer.js'
import { ERRORS } from './pages/texts.js'
import { issueIdToken, lifetimeOf } from './id-tokens.js'
import { tokenEvent } from './issued.js'
import type { Login } from './login.js'
import { remaining } from './openid-provider.js'
import type { ClientModel, SignInProblem } from './pages/models.js'
import { AMR, PROBLEM_STATUS } from './password-attempts.js'
import { seconds } from './seconds.js'

type Session = Awaited<ReturnType<Login['sessionOf']>>

interface SignedIn {
  readonly person: Person
  readonly session: Session
}

/** Of the form tokens of these pages. */
const PURPOSE = 'sign-in'

export async function showHome (login: Login, request: BrowserRequest): Promise<Answer> {
  const signedIn = await findSignedIn(login, request)
  if (signedIn === undefined) return signInPage(login, request)
  const { person: { user }, session } = signedIn
  const clients = login.config.clients.flatMap(({ id, name = id, cluster }) => cluster === undefined ? [] : [{ id, name, server: cluster.server }])
  const expiresAt = new Date(session.exp * 1000)
  return { status: 200, html: login.pages.home({ username: user.username, groups: user.groups ?? [], expiresAt, clients }) }
}

export async function submitHomePassword (login: Login, request: BrowserRequest): Promise<Answer> {
  const { fields, address } = request
  if (!login.browserOf(request).accepts(fields['csrf'], PURPOSE)) return { status: 403, html: login.pages.error(ERRORS.forged) }
  const username = textOf(fields['username'])
  const { person, problem } = await login.attempts.check({ username, password: textOf(fields['password']), grant: 'page', address, throttled: await login.isThrottled(request.request) })
  if (problem !== undefined) return signInPage(login, request, problem, username)
  await startSession(login, request, person)
  return { location: `${login.base}/` }
}

export async function showClient (login: Login, id: string, request: BrowserRequest): Promise<Answer> {
  const signedIn = await findSignedIn(login, request)
  if (signedIn === undefined) return { location: `${login.base}/` }
  const model = await clientModel(login, id, signedIn, request.address)
  return model === undefined ? { status: 404, html: login.pages.error(ERRORS.notFound) } : { status: 200, html: login.pages.client(model) }
}

export async function downloadKubeconfig (login: Login, id: string, variant: string, request: BrowserRequest): Promise<Answer> {
  const signedIn = await findSignedIn(login, request)
  if (signedIn === undefined) return { location: `${login.base}/` }
  const model = await clientModel(login, id, signedIn, request.address)
  const file = model === undefined ? undefined : await login.kubeconfig(variant, model)
  return file ?? { status: 404, html: login.pages.error(ERRORS.notFound) }
}

/** With a new token each time. */
async function clientModel (login: Login, id: string, { person, session }: SignedIn, address: string): Promise<ClientModel | undefined> {
  const config = login.config.clients.find(client => client.id === id)
  const provider = login.provider()
  const client = config?.cluster === undefined ? undefined : await provider.Client.find(id)
  if (config?.cluster === undefined || client === undefined) return undefined
  const { name = id, cluster: { server }, grants, clientSecret } = config as ClientConfig & { cluster: ClusterConfig }
  const expiresAt = Math.floor(Date.now() / 1000) + lifetimeOf(person, seconds(login.config.tokenTTL))
  const token = await issueIdToken(provider, { person, client, scope: SCOPES.join(' '), amr: session.amr, authTime: session.loginTs, expiresAt })
  login.observer.issued(tokenEvent(token, { client: id, grant: 'page', address }))
  const { username, groups = [] } = person.user
  return { id, name, issuer: login.config.issuer, username, groups, server, token, expiresAt: new Date(expiresAt * 1000), grants, confidential: clientSecret !== undefined }
}

async function findSignedIn (login: Login, request: BrowserRequest): Promise<SignedIn | undefined> {
  const session = await login.sessionOf(request)
  const person = session.accountId === undefined ? undefined : await login.accounts.find(session.accountId, request.address)
  return person && { person, session }
}

/** A new one with a new ID, whatever cookie came with the request. */
async function startSession (login: Login, request: BrowserRequest, { accountId }: Person): Promise<void> {
  const before = await login.sessionOf(request)
  if (before.accountId !== undefined) await before.destroy()
  const session = new (login.provider().Session)()
  session.loginAccount({ accountId, amr: AMR })
  await session.save(remaining(session.loginTs!, seconds(login.config.sessionTTL)))
  login.setSessionCookie(request, session.jti, new Date(session.exp * 1000))
}

function signInPage (login: Login, request: BrowserRequest, problem?: SignInProblem, username?: string): Answer {
  const csrf = login.browserOf(request).formToken(PURPOSE)
  return { status: problem === undefined ? 200 : PROBLEM_STATUS[problem], html: login.pages.signIn({ action: `${login.base}/sign-in`, csrf, username, problem }) }
}
