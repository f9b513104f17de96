/** Options that name a running service: its URL and certificates, or the webhook kubeconfig of an API server. */
import { Option, type Command } from 'commander'
import type { CertificateFile, KeyFile } from '../../certificates/pem.js'
import type { Target } from '../client.js'
import { CommandError } from '../command-error.js'
import type { Basic } from '../kubeconfig.js'
import { parseServerUrl } from '../server-url.js'
import type { Terminal } from '../terminal.js'

export const SERVER = 'https URL of the service; the default path is /authenticate'

export interface TargetOptions {
  readonly server?: string
  readonly certificateAuthority?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly tlsServerName?: string
  readonly kubeconfig?: string
}

export function addTargetOptions (command: Command): Command {
  return addClientOptions(command
    .addOption(new Option('--kubeconfig <file>', 'webhook kubeconfig that names the service').conflicts('config'))
    .addOption(new Option('--server <url>', SERVER).conflicts(['config', 'kubeconfig']))
    .option('--certificate-authority <file>', "CA of the service's certificate, PEM"))
}

/** Also of `webhook-config`. */
export function addClientOptions (command: Command): Command {
  return command
    .option('--client-certificate <file>', 'client certificate of the API server, PEM')
    .option('--client-key <file>', 'private key of the client certificate, PEM')
    .option('--tls-server-name <name>', 'name in the certificate, if it is not the host of --server')
}

/**
 * `undefined` if the options name no service.
 * @throws CommandError or ValidationError for invalid options and files
 */
export async function readTarget (options: TargetOptions, terminal: Terminal): Promise<Target | undefined> {
  const { server, kubeconfig } = options
  if (server !== undefined) return await readOptions(server, options)
  rejectWithoutServer(options)
  return kubeconfig === undefined ? undefined : await readKubeconfig(kubeconfig, terminal)
}

/** The current context of a webhook kubeconfig or of an admin's. */
export async function readKubeconfig (file: string, { note }: Terminal): Promise<Target> {
  const { readWebhookKubeconfig } = await import('../kubeconfig.js')
  const { token, basic, missingUser, ...target } = await readWebhookKubeconfig(file)
  if (missingUser !== undefined) note(`warning: ${file}: ${missingUser}: there is no such user; API servers send no credential then`)
  return { ...target, authorization: authorization(token, basic) }
}

/** These options would have no effect. */
function rejectWithoutServer ({ certificateAuthority, clientCertificate, clientKey, tlsServerName }: TargetOptions): void {
  const values = { '--certificate-authority': certificateAuthority, '--client-certificate': clientCertificate, '--client-key': clientKey, '--tls-server-name': tlsServerName }
  const [option] = Object.entries(values).find(([, value]) => value !== undefined) ?? []
  if (option !== undefined) throw new CommandError(`${option} needs --server`)
}

async function readOptions (server: string, options: TargetOptions): Promise<Target> {
  const url = parseServer(server)
  const { readCertificates } = await import('../../certificates/pem.js')
  const { certificateAuthority, tlsServerName } = options
  const client = await readClient(options)
  return {
    server: url,
    ca: certificateAuthority === undefined ? undefined : (await readCertificates(certificateAuthority, { pipes: true })).pem,
    cert: client?.certificate.pem,
    key: client?.key.pem,
    serverName: tlsServerName
  }
}

/** @throws CommandError for a URL that an API server can't or shouldn't use */
export function parseServer (text: string): URL {
  const server = parseServerUrl(text)
  if (server === undefined) throw new CommandError('--server is not an https:// URL, such as https://192.0.2.10:8443/authenticate; tokens are never sent in clear text')
  if (server.username !== '' || server.password !== '') throw new CommandError('--server contains a username or password; use --client-certificate to identify the API server')
  if (server.search !== '' || server.hash !== '') throw new CommandError('--server contains "?" or "#"; the API server adds its own query')
  if (server.pathname === '/') server.pathname = '/authenticate'
  return server
}

/** --client-certificate and --client-key; `undefined` without them. */
export async function readClient ({ clientCertificate, clientKey }: TargetOptions): Promise<{ certificate: CertificateFile, key: KeyFile } | undefined> {
  if (clientCertificate === undefined && clientKey === undefined) return undefined
  if (clientCertificate === undefined || clientKey === undefined) throw new CommandError('--client-certificate and --client-key must be used together')
  const { readCertificates, readPrivateKey, assertKeyMatches } = await import('../../certificates/pem.js')
  const certificate = await readCertificates(clientCertificate, { pipes: true })
  const key = await readPrivateKey(clientKey, { pipes: true })
  assertKeyMatches(certificate, key.key, clientKey)
  return { certificate, key }
}

/** As client-go sends it, which checks neither username nor password. */
function authorization (token: string | undefined, basic: Basic | undefined): string | undefined {
  // Node.js encodes headers as Latin-1, Go as UTF-8
  if (token !== undefined) return `Bearer ${Buffer.from(token).toString('latin1')}`
  return basic === undefined ? undefined : `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`
}
