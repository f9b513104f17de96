/** A running service on the command line: by flags, or by the file that an API server reads. */
import type { Command } from 'commander'
import { passwordToken } from '../authn/credential.js'
import type { Target } from '../client.js'
import { CommandError } from '../errors.js'

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
 * @throws CommandError or FaultsError for flags and files that can't be used
 */
export async function readTarget (options: TargetOptions): Promise<Target | undefined> {
  const { server, kubeconfig } = options
  if (server !== undefined && kubeconfig !== undefined) throw new CommandError('--server and --kubeconfig exclude each other')
  if (server !== undefined) return await readFlags(server, options)
  refuseLoneFlags(options)
  return kubeconfig === undefined ? undefined : await readKubeconfig(kubeconfig)
}

/** Any kubeconfig of which the current context is meant. */
export async function readKubeconfig (file: string): Promise<Target> {
  const { readWebhookKubeconfig } = await import('../kubeconfig.js')
  const { token, basic, ...target } = await readWebhookKubeconfig(file)
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
  const { readCertificates } = await import('../files/pem.js')
  const { certificateAuthority, tlsServerName } = options
  return {
    server: url,
    ca: certificateAuthority === undefined ? undefined : (await readCertificates(certificateAuthority)).pem,
    ...await readClient(options),
    serverName: tlsServerName
  }
}

function parseServer (text: string): URL {
  const server = URL.canParse(text) ? new URL(text) : undefined
  if (server?.protocol !== 'https:') throw new CommandError('--server takes a URL such as https://127.0.0.1:8443/authenticate')
  if (server.pathname === '/') server.pathname = '/authenticate'
  return server
}

async function readClient ({ clientCertificate, clientKey }: TargetOptions): Promise<{ cert?: string, key?: string }> {
  if (clientCertificate === undefined && clientKey === undefined) return {}
  if (clientCertificate === undefined || clientKey === undefined) throw new CommandError('--client-certificate and --client-key go together')
  const { readCertificates, readPrivateKey, refuseMismatch } = await import('../files/pem.js')
  const certificate = await readCertificates(clientCertificate)
  const key = await readPrivateKey(clientKey)
  refuseMismatch(certificate, key.key, clientKey)
  return { cert: certificate.pem, key: key.pem }
}

/** As the API server sends the user of its kubeconfig. */
function authorization (token: string | undefined, basic: { username: string, password: string } | undefined): string | undefined {
  if (token !== undefined) return `Bearer ${token}`
  return basic === undefined ? undefined : `Basic ${passwordToken(basic)}`
}
