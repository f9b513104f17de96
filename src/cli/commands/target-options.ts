/** A running service on the command line: by flags, or by the file that an API server reads. */
import type { Command } from 'commander'
import type { Target } from '../client.js'
import { CommandError } from '../command-error.js'
import type { CertificateFile, KeyFile } from '../../certificates/pem.js'
import type { Basic } from '../kubeconfig.js'
import { parseServerUrl } from '../server-url.js'
import type { Terminal } from '../terminal.js'

export interface TargetOptions {
  readonly server?: string
  readonly certificateAuthority?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly tlsServerName?: string
  readonly kubeconfig?: string
}

export function addTargetOptions (command: Command): Command {
  return command
    .option('--server <url>', 'ask the service there; /authenticate is the path where it has none')
    .option('--certificate-authority <file>', 'CA of --server, PEM')
    .option('--client-certificate <file>', 'client certificate to show to --server, PEM')
    .option('--client-key <file>', 'its key, PEM')
    .option('--tls-server-name <name>', "the name in --server's certificate, where it isn't the URL's host")
    .option('--kubeconfig <file>', 'ask the service of this webhook kubeconfig')
}

/**
 * `undefined` where no service is named.
 * @throws CommandError or ValidationError for flags and files that can't be used
 */
export async function readTarget (options: TargetOptions, terminal: Terminal): Promise<Target | undefined> {
  const { server, kubeconfig } = options
  if (server !== undefined && kubeconfig !== undefined) throw new CommandError('--server and --kubeconfig exclude each other')
  if (server !== undefined) return await readFlags(server, options)
  refuseLoneFlags(options)
  return kubeconfig === undefined ? undefined : await readKubeconfig(kubeconfig, terminal)
}

/** Any kubeconfig of which the current context is meant. */
export async function readKubeconfig (file: string, { note }: Terminal): Promise<Target> {
  const { readWebhookKubeconfig } = await import('../kubeconfig.js')
  const { token, basic, missingUser, ...target } = await readWebhookKubeconfig(file)
  if (missingUser !== undefined) note(`warning: ${file}: ${missingUser}: there is no such user in this file; API servers send no credential then`)
  return { ...target, authorization: authorization(token, basic) }
}

/** They would be forgotten silently. */
function refuseLoneFlags ({ certificateAuthority, clientCertificate, clientKey, tlsServerName }: TargetOptions): void {
  const flags = { '--certificate-authority': certificateAuthority, '--client-certificate': clientCertificate, '--client-key': clientKey, '--tls-server-name': tlsServerName }
  const [lone] = Object.entries(flags).find(([, value]) => value !== undefined) ?? []
  if (lone !== undefined) throw new CommandError(`${lone} needs --server`)
}

async function readFlags (server: string, options: TargetOptions): Promise<Target> {
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

/** @throws CommandError for a URL that an API server could not ask, or should not */
export function parseServer (text: string): URL {
  const server = parseServerUrl(text)
  if (server === undefined) throw new CommandError('--server is not an https:// URL, such as https://192.0.2.10:8443/authenticate; tokens never travel in clear')
  if (server.username !== '' || server.password !== '') throw new CommandError('--server holds a user name or password; who asks identifies itself with --client-certificate')
  if (server.search !== '' || server.hash !== '') throw new CommandError('--server has a "?" or "#"; the API server adds its own query')
  if (server.pathname === '/') server.pathname = '/authenticate'
  return server
}

/** The pair of --client-certificate and --client-key; `undefined` without. */
export async function readClient ({ clientCertificate, clientKey }: TargetOptions): Promise<{ certificate: CertificateFile, key: KeyFile } | undefined> {
  if (clientCertificate === undefined && clientKey === undefined) return undefined
  if (clientCertificate === undefined || clientKey === undefined) throw new CommandError('--client-certificate and --client-key go together')
  const { readCertificates, readPrivateKey, assertKeyMatches } = await import('../../certificates/pem.js')
  const certificate = await readCertificates(clientCertificate, { pipes: true })
  const key = await readPrivateKey(clientKey, { pipes: true })
  assertKeyMatches(certificate, key.key, clientKey)
  return { certificate, key }
}

/** As the API server sends the user of its kubeconfig: client-go checks neither name nor password. */
function authorization (token: string | undefined, basic: Basic | undefined): string | undefined {
  if (token !== undefined) return `Bearer ${bytesOf(token)}`
  return basic === undefined ? undefined : `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`
}

/** Node.js takes a header for Latin-1; Go sends UTF-8. */
function bytesOf (text: string): string {
  return Buffer.from(text).toString('latin1')
}
