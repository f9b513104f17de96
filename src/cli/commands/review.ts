/**
 * `authn-webhook review`: who is this token, asked of a running service or of
 * the providers of a config, in this process.
 */
import { Command } from 'commander'
import type { TokenReviewStatus, UserInfo } from '../../../schemas/token-review.js'
import type { OpenChain } from '../chain.js'
import { isUnavailable, isVettedDenial } from '../../authn/answer.js'
import type { ChainStep } from '../../authn/chain.js'
import { Deadline, PROVIDER_PATIENCE } from '../../authn/deadline.js'
import { milliseconds } from '../../authn/duration.js'
import type { Spec } from '../../authn/review.js'
import type { Target } from '../client.js'
import type { DoctorCheck } from '../doctor/check.js'
import { CommandError, ExitCode } from '../command-error.js'
import { escapeJson } from '../../printable.js'
import { describeDropped, inspectToken, inspectUser, type Inspected, type InspectedUser } from '../explain.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { addTargetOptions, readTarget, type TargetOptions } from './target-options.js'
import { repeatable } from './options.js'
import { readTextOrStdin } from './secret-input.js'

/** Milliseconds for a connection, and for a handshake. */
const PATIENCE = 10_000

interface ReviewOptions extends TargetOptions {
  readonly config?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly audience: string[]
  readonly explain?: boolean
  readonly output: OutputFormat
}

export function reviewCommand (terminal: Terminal): Command {
  const command = new Command('review')
    .description('tell who a token belongs to: by the identity providers of a config, or by a running service')
    .option('-c, --config <file>', 'ask the providers of this config, in this process; found as by `serve`')
  return addTargetOptions(command)
    .option('--token-file <file>', 'read the token there, - for stdin; otherwise it is asked for')
    .option('--username <name>', 'look this user up, without a token; only with a config')
    .addOption(repeatable('--audience <name>', 'an audience to ask for').default([]))
    .option('--explain', 'tell what each identity provider said, or found; only with a config')
    .addOption(outputOption)
    .addHelpText('after', `
Exit code: 0 authenticated, 1 not authenticated, 69 unavailable or unreachable.

Examples:
  $ authn-webhook review --config authn-webhook.yaml --explain
  $ authn-webhook token --username alice | authn-webhook review --token-file -
  $ authn-webhook review --config authn-webhook.yaml --username alice -o json
  $ authn-webhook review --config authn-webhook.yaml --username alice --explain
  $ authn-webhook review --server https://127.0.0.1:8443/authenticate --certificate-authority ca.crt --token-file token.txt
  $ authn-webhook review --kubeconfig /etc/kubernetes/pki/authn-webhook/webhook.yaml --token-file -`)
    .action(async (options: ReviewOptions) => {
      checkOptions(options)
      process.exitCode = await run(options, terminal)
    })
}

function checkOptions (options: ReviewOptions): void {
  const remote = options.server !== undefined || options.kubeconfig !== undefined
  if ([options.config, options.server, options.kubeconfig].filter(option => option !== undefined).length > 1) {
    throw new CommandError('--config, --server and --kubeconfig exclude each other')
  }
  if (remote && options.username !== undefined) throw new CommandError('--username needs a config: a service answers tokens alone')
  if (remote && options.explain === true) throw new CommandError('--explain needs a config: a service keeps its reasons to its log')
  if (options.username !== undefined && options.tokenFile !== undefined) throw new CommandError('--username and --token-file exclude each other')
}

async function run (options: ReviewOptions, terminal: Terminal): Promise<ExitCode> {
  const { output } = options
  if (options.username !== undefined) return await runLookup(options.username, options, terminal)
  const target = await readTarget(options, terminal)
  const spec = { token: await readToken(options, terminal), audiences: options.audience }
  const { status, reason, steps }: Inspected = target === undefined ? await askProviders(spec, options, terminal) : await askService(spec, target)
  const explained = options.explain === true ? { status, ...reason !== undefined && { reason }, steps: steps.map(plainStep) } : status
  printResult(terminal, output, explained, () => options.explain === true ? [...steps.flatMap(describeStep), ...describeStatus(status, reason)] : describeStatus(status))
  return exitCode(status)
}

async function runLookup (username: string, options: ReviewOptions, terminal: Terminal): Promise<ExitCode> {
  const { output, explain = false } = options
  const { user, unasked: [unasked], explanations } = await lookup(username, options, terminal)
  const unknown = user === undefined && unasked !== undefined
  const nobody = `no identity provider has a user of this name who may log in${explain ? '' : '; --explain shows why'}`
  const described = user === undefined ? [nobody] : describeUser(user)
  const lines = explanations.map(({ provider, sentence }) => `${provider}: ${sentence}`)
  if (explain) printResult(terminal, output, { user: user ?? null, explanations }, () => unknown ? lines : [...lines, ...described])
  else if (!unknown) printResult(terminal, output, user ?? null, () => described)
  if (unknown) throw new CommandError(`identity provider "${unasked}" can't look up users without a credential; review their token or password instead`, ExitCode.unavailable)
  return user === undefined ? ExitCode.no : ExitCode.done
}

async function readToken ({ tokenFile }: ReviewOptions, terminal: Terminal): Promise<string> {
  const text = tokenFile === undefined
    ? await terminal.prompt('Token: ', { hidden: true, instead: '--token-file FILE, or - for stdin' })
    : await readTextOrStdin(terminal, tokenFile)
  const token = text.trim()
  if (token === '') throw new CommandError('the token is empty')
  return token
}

async function askProviders (spec: Spec, options: ReviewOptions, terminal: Terminal): Promise<Inspected> {
  return await withProviders(options, terminal, async ({ rules }, timeout) => await inspectToken(spec, rules, timeout))
}

async function askService (spec: Spec, target: Target): Promise<Inspected> {
  const { requestReview } = await import('../client.js')
  const { formatCheck, isBlocking } = await import('../doctor/check.js')
  const { explainNoResponse } = await import('../doctor/reviews.js')
  const { checkTrust } = await import('../doctor/trust.js')
  const fail = (check: DoctorCheck, cause?: unknown): CommandError => new CommandError(`API servers can't ask ${target.server.href}: ${formatCheck(check)}`, ExitCode.unavailable, { cause })
  const trust = await checkTrust(target, Date.now(), PATIENCE)
  const obstacle = trust.checks.find(isBlocking)
  // the token goes to nobody to whom an API server would not send it
  if (obstacle !== undefined) throw fail(obstacle)
  try {
    return { status: await requestReview(trust.target, 'authentication.k8s.io/v1', spec), steps: [] }
  } catch (error) {
    // without a cause, there was an answer
    throw error instanceof CommandError && error.cause !== undefined ? fail(explainNoResponse(error.cause as Error, target), error) : error
  }
}

async function lookup (username: string, options: ReviewOptions, terminal: Terminal): Promise<InspectedUser> {
  return await withProviders(options, terminal, async ({ providers }, timeout) => await inspectUser(username, providers, timeout))
}

/** Opens the providers of the config, and closes them whatever happens. */
async function withProviders<T> ({ config: file }: ReviewOptions, { env }: Terminal, use: (chain: OpenChain, timeout: number) => Promise<T>): Promise<T> {
  const { loadConfig } = await import('../../config/load.js')
  const { findDefinition } = await import('../../config/registry.js')
  const { openChain } = await import('../chain.js')
  const { createLogger } = await import('../../logger.js')
  const loaded = await loadConfig({ file, env, kinds: findDefinition })
  // stdout is for the result
  const log = await createLogger({ level: 'warn', format: 'json', terminal: false, destination: { write (line) { process.stderr.write(escapeJson(line)) } } })
  const chain = await openChain({ loaded, log })
  try {
    return await use(chain, milliseconds(loaded.config.server.timeout))
  } finally {
    // the answer is there, whatever a provider does now
    await new Deadline(PROVIDER_PATIENCE).race(chain.close()).catch((error: unknown) => { log.warn({ err: error }, 'the identity providers could not be closed') })
  }
}

function exitCode ({ authenticated, error }: TokenReviewStatus): ExitCode {
  if (authenticated) return ExitCode.done
  return error === undefined ? ExitCode.no : ExitCode.unavailable
}

function describeStatus ({ authenticated, user, audiences, error }: TokenReviewStatus, reason?: string): string[] {
  if (authenticated && user !== undefined) {
    return ['authenticated', ...describeUser(user), ...audiences === undefined ? [] : [`audiences: ${audiences.join(', ')}`]]
  }
  if (error !== undefined) return [`unavailable: ${error}`]
  return [reason === undefined ? 'not authenticated' : `not authenticated: ${reason}`]
}

function describeUser ({ username, uid, groups, extra }: UserInfo): string[] {
  // a broken webhook may authenticate nobody, and API servers let that in
  const lines = [`username:  ${username === '' ? '""' : username}`]
  if (uid !== undefined) lines.push(`uid:       ${uid}`)
  if (groups !== undefined) lines.push(`groups:    ${groups.join(', ')}`)
  for (const [key, values] of Object.entries(extra ?? {})) lines.push(`extra:     ${key}: ${values.join(', ')}`)
  return lines
}

function describeStep (step: ChainStep): string[] {
  const { provider, credentialType, seconds } = step
  return [`${provider} (${credentialType}, ${(seconds * 1000).toFixed(1)} ms): ${describeOutcome(step)}`, ...explainStep(step).map(sentence => `${provider}: ${sentence}`)]
}

/** What became of the names that the provider gave. */
function explainStep ({ outcome }: ChainStep): string[] {
  return outcome === null || isUnavailable(outcome) || isVettedDenial(outcome) ? [] : describeDropped(outcome)
}

function describeOutcome ({ outcome, failure }: ChainStep): string {
  if (outcome === null) return 'not mine'
  if (isUnavailable(outcome)) return ['unavailable', outcome.unavailable, ...failure === undefined ? [] : [failure.detail.split('\n')[0]]].join(': ')
  return isVettedDenial(outcome) ? `denied: ${outcome.denied}` : `authenticated: ${outcome.user.username}`
}

function plainStep (step: ChainStep): object {
  const { provider, credentialType, seconds } = step
  const explanations = explainStep(step)
  return { provider, credential: credentialType, seconds, outcome: describeOutcome(step), ...explanations.length > 0 && { explanations } }
}
