/** `authn-webhook serve`: runs the service. */
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { Logger } from 'pino'
import type { Config } from '../../../schemas/config.js'
import type { Service } from '../../app.js'
import { milliseconds } from '../../authn/duration.js'
import type { LoadedConfig } from '../../config/load.js'
import { CommandError, ExitCode } from '../command-error.js'
import { CertificateError, FileWriteError, ListenError, codeOf } from '../../errors.js'
import type { DemoKind } from '../demo.js'
import { parseSubjectName } from '../../certificates/subject-name.js'
import type { Terminal } from '../terminal.js'
import { addConfigOption, repeatable } from './options.js'

/** Milliseconds for closing the providers, after a drain of at most `shutdownDelay` plus the budget of a review. */
const CLOSE_LIMIT = 12_000

interface ServeOptions {
  readonly config?: string
  readonly demo?: boolean
  readonly mock?: boolean
  readonly host?: string
  readonly port?: number
  readonly san?: string[]
}

export function serveCommand (terminal: Terminal): Command {
  return addConfigOption(new Command('serve').description('run the webhook'))
    .addOption(new Option('--demo', 'use demo users and a certificate, created in .authn-webhook/').conflicts(['config', 'mock']))
    .addOption(new Option('--mock', 'authenticate any token as the user "mock" in "group-mock"').conflicts('config'))
    .option('--host <address>', 'address to listen on, instead of server.host', parseHost)
    .option('--port <number>', 'port to listen on, instead of server.port; 0 picks a free one', parsePort)
    .addOption(repeatable('--san <name>', 'additional certificate name for --demo and --mock'))
    .addHelpText('after', `
Examples:
  $ authn-webhook serve --demo
  $ authn-webhook serve --mock --host 0.0.0.0 --san 192.0.2.10
  $ authn-webhook serve --config /etc/authn-webhook/config.yaml`)
    .action(async (options: ServeOptions) => { await serve(options, terminal) })
}

async function serve (options: ServeOptions, terminal: Terminal): Promise<void> {
  const kind = demoKind(options)
  if (options.san !== undefined && kind === undefined) {
    throw new CommandError('--san needs --demo or --mock; for your own certificate use `authn-webhook certs --out DIR --san NAME`')
  }
  const [{ createService }, { openServiceProcess }, loaded] = await Promise.all([import('../../app.js'), import('../service-process.js'), load(options, terminal)])
  const { log, droppedLines, print, stopOnSignal } = await openServiceProcess(loaded.config.log, terminal.stdout.isTTY === true)
  for (const warning of loaded.warnings) log.warn({ path: warning.path, line: warning.line }, warning.message)
  await limitConnections(loaded.config, log)
  if (kind === undefined) warnOfNode20(loaded.config, log)

  const service = await createService({ loaded, log, droppedLines, allowMock: options.mock === true })
  try {
    await service.listen()
  } catch (error) {
    await service.close({ immediately: true })
    throw listenError(error, kind)
  }
  const { shutdownDelay, timeout } = loaded.config.server
  stopOnSignal(service, milliseconds(shutdownDelay) + milliseconds(timeout) + CLOSE_LIMIT)
  log.info({ config: loaded.file, url: url(service, loaded), identityProviders: loaded.providers.map(({ entry }) => entry.name) }, 'serving')
  if (kind !== undefined) {
    const { demoBanner } = await import('../demo.js')
    print(demoBanner(kind, reachable(url(service, loaded)), loaded.dir, loaded.config.login?.issuer))
  }
}

function demoKind ({ demo, mock }: ServeOptions): DemoKind | undefined {
  return demo === true ? 'demo' : mock === true ? 'mock' : undefined
}

/** The config, overridden by the command line. */
async function load (options: ServeOptions, { env }: Terminal): Promise<LoadedConfig> {
  const { loadConfig } = await import('../../config/load.js')
  const { findDefinition } = await import('../../config/registry.js')
  const kind = demoKind(options)
  const file = kind === undefined ? options.config : await prepareDemo(kind, options)
  const loaded = await loadConfig({ file, env, findDefinition })
  const { server } = loaded.config
  if (options.host !== undefined) server.host = options.host
  if (options.port !== undefined) server.port = options.port
  if (kind !== undefined && loaded.config.login !== undefined && options.port !== undefined) {
    const { moveDemoLogin } = await import('../demo.js')
    await moveDemoLogin(loaded.config.login, options.port)
  }
  return loaded
}

async function prepareDemo (kind: DemoKind, { san = [], host }: ServeOptions): Promise<string> {
  const { DEMO_DIR, writeDemoConfig } = await import('../demo.js')
  const { DEFAULT_NAMES, ensureServingCertificate } = await import('../../certificates/directory.js')
  const directory = resolve(DEMO_DIR)
  const file = await writeDemoConfig(kind, directory).catch((error: Error) => {
    if (!(error instanceof FileWriteError)) throw error
    throw new CommandError(`${error.message}; --${kind} creates its files in ${DEMO_DIR} in the working directory: run it in another directory`, undefined, { cause: error })
  })
  const names = [...DEFAULT_NAMES, ...san]
  if (host !== undefined && !['0.0.0.0', '::'].includes(host)) names.push(subjectName(host))
  await ensureServingCertificate(directory, [...new Set(names)])
  return file
}

/** @throws CommandError if no certificate can have this name */
function subjectName (host: string): string {
  try {
    return parseSubjectName(host)
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new CommandError(`--host: ${error.message}`, undefined, { cause: error })
  }
}

function url ({ review }: Service, { config }: LoadedConfig): string {
  const { address, family, port } = review.server.address() as AddressInfo
  return `https://${family === 'IPv6' ? `[${address}]` : address}:${port}${config.server.path}`
}

/** The certificate has no name for an unspecified address. */
function reachable (url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\]):/, '//localhost:')
}

/** Lowers server.maxConnections if the limit of open files is lower. */
async function limitConnections ({ server, admin, login }: Config, log: Logger): Promise<void> {
  const { RESERVED_FILES, maxConnectionsFor, openFilesLimit } = await import('../../http/open-files.js')
  const openFiles = openFilesLimit()
  const { max, lowered } = maxConnectionsFor(server.maxConnections, openFiles, [server, admin, login].filter(listener => listener !== undefined).length)
  if (!lowered) return
  log.warn({ openFiles, maxConnections: server.maxConnections, reserved: RESERVED_FILES, lowered: max },
    `the limit of ${openFiles} open files is too low for server.maxConnections ${server.maxConnections}: accepting ${max} connections on each listener; raise the limit (ulimit -n, LimitNOFILE) or lower server.maxConnections`)
  server.maxConnections = max
}

/** On Node.js 20, clients can crash the process through Node's HTTP/2 sessions. */
function warnOfNode20 ({ tls, admin }: Config, log: Logger): void {
  if (Number.parseInt(process.versions.node, 10) >= 22 || (tls.clientCAFile !== undefined && admin !== undefined)) return
  log.warn({ node: process.version }, 'on Node.js 20 anyone who can reach the review port can crash this process over HTTP/2: run Node.js 24, or set tls.clientCAFile and admin')
}

/** Names the config field of the listener that could not be opened. */
function listenError (error: unknown, kind: DemoKind | undefined): unknown {
  if (!(error instanceof ListenError)) return error
  const { listener, host, port, cause } = error
  // in a demo, the sign-in service gets the port after that of the webhook
  const [hostOption, portOption] = [listener === 'server' ? ' or --host' : '', listener === 'server' || kind === 'demo' ? ' or --port' : '']
  const unavailable = (message: string): CommandError => new CommandError(message, ExitCode.unavailable, { cause })
  switch (codeOf(cause)) {
    case 'EADDRINUSE': return unavailable(`${listener}.port: port ${port} on ${host} is already in use: stop the process that listens there, or ${npmStart(listener, port) ?? `change ${listener}.port${portOption}`}`)
    case 'EACCES': return unavailable(`${listener}.port: no permission to open port ${port}: choose one above 1023`)
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT': return unavailable(`${listener}.host: this machine has no address ${host}: change ${listener}.host${hostOption}; 0.0.0.0 is every IPv4 address`)
    case 'ENOTFOUND': return unavailable(`${listener}.host: unknown host name ${host}: change ${listener}.host${hostOption}`)
    default: return error
  }
}

/** For `npm start`, which needs `--` before options. */
function npmStart (listener: ListenError['listener'], port: number): string | undefined {
  return listener !== 'admin' && process.env['npm_lifecycle_event'] === 'start' ? `choose another: npm start -- --port ${port % 65535 + 1}` : undefined
}

/** Rejects forms that are valid elsewhere: `[::1]` in URLs, `*` in other programs. */
function parseHost (text: string): string {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1]
  if (bracketed !== undefined) throw new CommandError(`--host must be an IPv6 address without brackets: ${bracketed}`)
  if (text === '*' || text === '') throw new CommandError(`--host must be an address or a host name, not ${JSON.stringify(text)}: use "::" for all addresses, or 0.0.0.0 for all IPv4 addresses`)
  return text
}

function parsePort (text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new CommandError(`--port must be a number from 0 to 65535, not ${JSON.stringify(text)}`)
  return port
}
