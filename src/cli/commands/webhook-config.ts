/** `authn-webhook webhook-config`: prints the webhook kubeconfig of an API server, or the settings with which it verifies session tokens itself. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { Command, Option } from 'commander'
import { createDistributionFile, DISTRIBUTIONS, formatDistributionFile, type DistributionName } from '../distributions/index.js'
import { CommandError } from '../command-error.js'
import type { CertificateFile } from '../../certificates/pem.js'
import { hostOf } from '../server-url.js'
import { linesOfText, outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { authenticationConfigOption, clientOption, printAuthenticationConfig, rejectWithoutAuthenticationConfig, type AuthenticationConfigOptions } from './webhook-config/authentication-config.js'
import { addClientOptions, parseServer, readClient, SERVER, type TargetOptions } from './target-options.js'

interface WebhookConfigOptions extends Omit<TargetOptions, 'kubeconfig'>, AuthenticationConfigOptions {
  readonly embedCerts: boolean
  readonly for?: DistributionName
  readonly output: OutputFormat
}

/** RFC 5280: id-kp-clientAuth, and anyExtendedKeyUsage. */
const CLIENT_USAGES = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']

export function webhookConfigCommand (terminal: Terminal): Command {
  return addClientOptions(new Command('webhook-config')
    .description('print the webhook kubeconfig of an API server')
    .option('--server <url>', SERVER)
    .option('--certificate-authority <file>', "CA of the service's certificate: ca.crt of `certs`"))
    .option('--embed-certs', 'embed certificates instead of absolute file paths', false)
    .addOption(new Option('--for <distribution>', 'add the steps for a distribution; implies --embed-certs').choices(Object.keys(DISTRIBUTIONS)))
    .addOption(authenticationConfigOption)
    .addOption(clientOption)
    .option('-c, --config <file>', 'with --authentication-config: config with the sign-in service')
    .addOption(outputOption)
    .addHelpText('after', `
The file is for --authentication-token-webhook-config-file of the API server. File
paths in it must exist on the control plane machine and in the API server's container:
copy the files there, or use --embed-certs. With --for, comments say how to install,
change and remove the file on that distribution; -o yaml and -o json omit them. talos
is Talos 1.15 and newer, talos-1.14 is older. With an embedded --client-key the file
contains a private key: run "umask 077" before you redirect it, and keep mode 0600.

With --authentication-config it prints a file for that flag of the API server instead, by
which the API server verifies session tokens of the sign-in service itself, and says
what is lost. --certificate-authority is the CA of the sign-in service then.

Examples:
  $ authn-webhook webhook-config --server https://192.0.2.10:8443 --certificate-authority tls/ca.crt
  $ authn-webhook webhook-config --for kubeadm --server https://192.0.2.10:8443 --certificate-authority tls/ca.crt > webhook.yaml
  $ authn-webhook webhook-config --server https://10.96.0.50/authenticate --tls-server-name authn-webhook.kube-system.svc \\
      --certificate-authority tls/ca.crt --embed-certs > authn-webhook.kubeconfig
  $ authn-webhook webhook-config --server https://192.0.2.10:8443 --certificate-authority tls/ca.crt \\
      --client-certificate tls/kube-apiserver.crt --client-key tls/kube-apiserver.key
  $ authn-webhook webhook-config --authentication-config --client production > authentication.yaml`)
    .action(async (options: WebhookConfigOptions) => {
      if (options.authenticationConfig === true) return await printAuthenticationConfig(options, terminal)
      await printWebhookConfig(options, terminal)
    })
}

async function printWebhookConfig (options: WebhookConfigOptions, terminal: Terminal): Promise<void> {
  const { createWebhookKubeconfig, formatWebhookKubeconfig } = await import('../kubeconfig.js')
  const { readCertificates } = await import('../../certificates/pem.js')
  const { parseSubjectName } = await import('../../certificates/subject-name.js')
  rejectWithoutAuthenticationConfig(options)
  const server = parseServer(required(options.server, '--server <url>'))
  const serverName = options.tlsServerName === undefined ? undefined : parseSubjectName(options.tlsServerName)
  const ca = await readCertificates(required(options.certificateAuthority, '--certificate-authority <file>'), { pipes: true })
  const client = await readApiServerClient(options)
  const warnings = [...hostWarnings(server, serverName), ...caWarnings(ca), ...client === undefined ? [] : expiryWarnings(client.certificate.file, client.certificate.certificates)]
  for (const warning of warnings) terminal.note(`warning: ${warning}`)
  const distribution = options.for
  const config = createWebhookKubeconfig({ server, ca, client, serverName }, options.embedCerts || distribution !== undefined)
  if (distribution === undefined) return await printResult(terminal, options.output, config, () => linesOfText(formatWebhookKubeconfig(config)))
  const file = createDistributionFile(distribution, config)
  await printResult(terminal, options.output, file, () => linesOfText(formatDistributionFile(distribution, file)))
}

/** Not by commander: --authentication-config needs neither. */
function required (value: string | undefined, flags: string): string {
  if (value === undefined) throw new CommandError(`required option '${flags}' not specified`)
  return value
}

async function readApiServerClient (options: WebhookConfigOptions): ReturnType<typeof readClient> {
  const client = await readClient(options)
  // despite its name, these are extended key usages; without any, all are allowed
  const usages = client?.certificate.certificates[0].keyUsage
  if (usages !== undefined && !usages.some((usage) => CLIENT_USAGES.includes(usage))) {
    throw new CommandError(`${options.clientCertificate} is not a client certificate: its extended key usage lacks clientAuth`)
  }
  return client
}

/** Hosts that API servers can't resolve, or that are not the service there. */
function hostWarnings (server: URL, serverName: string | undefined): string[] {
  const host = hostOf(server)
  if (/\.svc(\.|$)/.test(host)) {
    const name = serverName === undefined ? ` and --tls-server-name ${host}` : ''
    return [`API servers can't resolve ${host}, since they don't use the cluster's DNS; use the Service's cluster IP in --server${name}`]
  }
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) {
    return [`${host} is the API server's own machine or container; use an address at which it reaches the service, unless both share a network`]
  }
  return []
}

function caWarnings ({ file, certificates }: CertificateFile): string[] {
  if (!certificates.some(({ ca }) => ca)) return [`${file} contains no CA; the API server will only trust this certificate, until it is renewed`]
  // a renewed or cross-signed certificate with the same key replaces an expired one
  const keys = certificates.filter(certificate => !isExpired(certificate)).map(keyOf)
  return expiryWarnings(file, certificates.filter(certificate => !keys.includes(keyOf(certificate))))
}

function keyOf ({ publicKey }: X509Certificate): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
}

function expiryWarnings (file: string, certificates: readonly X509Certificate[]): string[] {
  const expired = certificates.find(isExpired)
  return expired === undefined ? [] : [`${file} expired on ${new Date(expired.validTo).toISOString()}`]
}

function isExpired ({ validTo }: X509Certificate): boolean {
  return Date.parse(validTo) <= Date.now()
}
