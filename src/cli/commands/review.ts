/** `authn-webhook review`: reviews a token with a running service, or with the providers of a config in this process. */
import { Command, Option } from 'commander'
import type { TokenReviewRequest, TokenReviewStatus, UserInfo } from '../../../schemas/token-review.js'
import { isUnavailable, isVettedDenial } from '../../authn/answer.js'
import { milliseconds } from '../../authn/duration.js'
import type { LookupQuery } from '../../authn/provider.js'
import { messageOf } from '../../errors.js'
import type { OpenChain } from '../chain.js'
import type { Target } from '../client.js'
import { CommandError, ExitCode } from '../command-error.js'
import type { DoctorCheck } from '../doctor/check.js'
import { explainReview, explainUser, type ExplainedReview, type ExplainedStep, type ExplainedUser, type Explanation } from '../explain.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { addConfigOption, repeatable } from './options.js'
import { readToken } from './secret-input.js'
import { addTargetOptions, readTarget, type TargetOptions } from './target-options.js'

/** Milliseconds for a connection, and for a handshake. */
const CONNECT_TIMEOUT = 10_000

interface ReviewOptions extends TargetOptions {
  readonly config?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly uid?: string
  readonly audience?: string[]
  readonly explain?: boolean
  readonly output: OutputFormat
}

export function reviewCommand (terminal: Terminal): Command {
  const command = new Command('review').description('review a token with a config or a running service')
  return addTargetOptions(addConfigOption(command, 'use the providers of this config, in this process'))
    .option('--token-file <file>', 'file with the token, - for stdin; default: prompt')
    .addOption(new Option('--username <name>', 'look up this user without a token; needs a config').conflicts(['tokenFile', 'server', 'kubeconfig']))
    .addOption(new Option('--uid <uid>', 'look up the user with this uid; needs a config').conflicts(['username', 'tokenFile', 'server', 'kubeconfig']))
    .addOption(repeatable('--audience <name>', 'audience to request'))
    .addOption(new Option('--explain', 'print the answer of each provider; needs a config').conflicts(['server', 'kubeconfig']))
    .addOption(outputOption)
    .addHelpText('after', `
Exit code: 0 authenticated, 1 not authenticated, 69 unavailable.

Examples:
  $ authn-webhook review --config authn-webhook.yaml --explain
  $ authn-webhook token --username alice | authn-webhook review --token-file -
  $ authn-webhook review --config authn-webhook.yaml --username alice -o json
  $ authn-webhook review --config authn-webhook.yaml --username alice --explain
  $ authn-webhook review --server https://127.0.0.1:8443/authenticate --certificate-authority ca.crt --token-file token.txt
  $ authn-webhook review --kubeconfig /etc/kubernetes/pki/authn-webhook/webhook.yaml --token-file -`)
    .action(async (options: ReviewOptions) => {
      const { username, uid } = options
      const query = username !== undefined ? { username } : uid !== undefined ? { uid } : undefined
      process.exitCode = query === undefined ? await reviewToken(options, terminal) : await lookUpUser(query, options, terminal)
    })
}

async function reviewToken (options: ReviewOptions, terminal: Terminal): Promise<ExitCode> {
  const { tokenFile, audience: audiences = [], explain, output } = options
  const target = await readTarget(options, terminal)
  const spec = { token: await readToken(terminal, tokenFile), audiences }
  const { status, reason, steps, ...unknown }: ExplainedReview = target === undefined
    ? await withProviders(options, terminal, async ({ rules }, timeout) => await explainReview(spec, rules, timeout))
    : { status: await reviewWithService(spec, target), steps: [] }
  if (explain === true) await printResult(terminal, output, { status, ...reason !== undefined && { reason }, steps: steps.map(plainStep), ...unknown }, () => [...steps.flatMap(describeStep), ...describeUnknown(unknown), ...describeStatus(status, reason)])
  else await printResult(terminal, output, status, () => describeStatus(status))
  if (status.authenticated) return ExitCode.done
  return status.error === undefined ? ExitCode.no : ExitCode.unavailable
}

async function lookUpUser (query: LookupQuery, options: ReviewOptions, terminal: Terminal): Promise<ExitCode> {
  const { output, explain = false } = options
  const found = await withProviders(options, terminal, async ({ providers }, timeout) => await explainUser(query, providers, timeout))
  const { user, denial, withoutLookup: [provider], explanations } = found
  const unknown = user === undefined && provider !== undefined
  const lines = explanations.map(describeExplanation)
  const described = describeFound(found, 'uid' in query ? 'uid' : 'name', explain)
  if (explain) await printResult(terminal, output, { user: user ?? null, ...denial && { denial }, explanations }, () => unknown ? lines : [...lines, ...described])
  else if (!unknown) await printResult(terminal, output, user ?? null, () => described)
  if (unknown) throw new CommandError(`identity provider "${provider}" can't look up users without a credential; review their token or password instead`, ExitCode.unavailable)
  return user === undefined ? ExitCode.no : ExitCode.done
}

function describeFound ({ user, denial }: ExplainedUser, field: string, explained: boolean): string[] {
  if (user !== undefined) return describeUser(user)
  const described = denial === undefined ? `no identity provider has a user of this ${field}` : `denied by ${denial.provider}: ${denial.reason}`
  return [`${described}${explained ? '' : '; --explain shows why'}`]
}

async function reviewWithService (spec: TokenReviewRequest['spec'], target: Target): Promise<TokenReviewStatus> {
  const { requestReview } = await import('../client.js')
  const { formatCheck, isBlocking } = await import('../doctor/check.js')
  const { explainNoResponse } = await import('../doctor/reviews.js')
  const { checkTrust } = await import('../doctor/trust.js')
  const unusable = (check: DoctorCheck, cause?: unknown): CommandError => new CommandError(`API servers can't use ${target.server.href}: ${formatCheck(check)}`, ExitCode.unavailable, { cause })
  const trust = await checkTrust(target, Date.now(), CONNECT_TIMEOUT)
  const blocking = trust.checks.find(isBlocking)
  // the token is only sent to a server to which an API server would send it
  if (blocking !== undefined) throw unusable(blocking)
  try {
    return await requestReview(trust.target, 'authentication.k8s.io/v1', spec)
  } catch (error) {
    // without a cause, there was a response
    throw error instanceof CommandError && error.cause !== undefined ? unusable(explainNoResponse(messageOf(error.cause), target), error) : error
  }
}

/** Uses the providers of the config in this process. */
async function withProviders<T> ({ config: file }: ReviewOptions, terminal: Terminal, use: (chain: OpenChain, timeout: number) => Promise<T>): Promise<T> {
  const { loadConfig } = await import('../../config/load.js')
  const { findDefinition } = await import('../../config/registry.js')
  const { withChain } = await import('../chain.js')
  const loaded = await loadConfig({ file, env: terminal.env, findDefinition })
  return await withChain({ loaded, terminal }, async chain => await use(chain, milliseconds(loaded.config.server.timeout)))
}

function describeUnknown ({ unknownIssuer, unknownProvider }: Pick<ExplainedReview, 'unknownIssuer' | 'unknownProvider'>): string[] {
  if (unknownProvider !== undefined) return [`this session token is of the provider ${JSON.stringify(unknownProvider)}, which is not in this config, or can't look up users without a credential`]
  return unknownIssuer === undefined ? [] : [`no provider has the issuer ${JSON.stringify(unknownIssuer)} of this token: compare it with issuer.url, including a "/" at the end`]
}

function describeStatus ({ authenticated, user, audiences, error }: TokenReviewStatus, reason?: string): string[] {
  if (authenticated && user !== undefined) {
    return ['authenticated', ...describeUser(user), ...audiences === undefined ? [] : [`audiences: ${audiences.join(', ')}`]]
  }
  if (error !== undefined) return [`unavailable: ${error}`]
  return [reason === undefined ? 'not authenticated' : `not authenticated: ${reason}`]
}

function describeUser ({ username, uid, groups, extra = {} }: UserInfo): string[] {
  return [
    // API servers accept the empty name of a broken webhook
    `username:  ${username === '' ? '""' : username}`,
    ...uid === undefined ? [] : [`uid:       ${uid}`],
    ...groups === undefined ? [] : [`groups:    ${groups.join(', ')}`],
    ...Object.entries(extra).map(([key, values]) => `extra:     ${key}: ${values.join(', ')}`)
  ]
}

function describeExplanation ({ provider, sentence }: Explanation): string {
  return `${provider}: ${sentence}`
}

function describeStep (step: ExplainedStep): string[] {
  const { provider, credentialType, seconds, explanations } = step
  return [`${provider} (${credentialType}, ${(seconds * 1000).toFixed(1)} ms): ${describeOutcome(step)}`, ...explanations.map(describeExplanation)]
}

function describeOutcome ({ outcome, failure }: ExplainedStep): string {
  if (outcome === null) return 'not recognized'
  if (isUnavailable(outcome)) return ['unavailable', outcome.unavailable, ...failure === undefined ? [] : [failure.detail.split('\n')[0]]].join(': ')
  return isVettedDenial(outcome) ? `denied: ${outcome.denied}` : `authenticated: ${outcome.user.username}`
}

function plainStep (step: ExplainedStep): object {
  const { provider, credentialType, seconds, explanations } = step
  return { provider, credential: credentialType, seconds, outcome: describeOutcome(step), ...explanations.length > 0 && { explanations } }
}
