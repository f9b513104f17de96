/** `authn-webhook certs`: issues a CA, a serving certificate and client certificates, without openssl. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { CommandError } from '../command-error.js'
import type { CertificateAuthority, IssuedCertificate } from '../../certificates/directory.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { repeatable } from './options.js'

interface CertsOptions {
  readonly out: string
  readonly san?: string[]
  readonly client?: string[]
  readonly renew: boolean
  readonly output: OutputFormat
}

interface Issued extends IssuedCertificate { readonly state: 'created' | 'renewed' | 'kept' }

export function certsCommand (terminal: Terminal): Command {
  return new Command('certs')
    .description('issue the certificates of the service and its clients')
    .requiredOption('--out <dir>', 'output directory')
    .addOption(repeatable('--san <name>', 'additional DNS name or IP address of the service'))
    .addOption(repeatable('--client <name>', 'issue NAME.crt and NAME.key for a client'))
    .option('--renew', 'replace existing certificates, with the same CA and names', false)
    .addOption(outputOption)
    .addHelpText('after', `
Writes tls.crt and tls.key (for tls.certFile and tls.keyFile), ca.crt (for the API
server and for tls.clientCAFile) and ca/ca.key, which is only needed to issue
certificates: keep it elsewhere. The default names of the serving certificate are
localhost, 127.0.0.1, ::1 and the name that the Helm chart uses,
authn-webhook.kube-system.svc: with that as --tls-server-name of webhook-config, API
servers can connect to any address. The CA is valid for 10 years, certificates for a
year. Without --renew, existing certificates are kept; a running service reloads
renewed ones.

Examples:
  $ authn-webhook certs --out tls
  $ authn-webhook certs --out tls --san 10.96.0.50 --san authn.example.com
  $ authn-webhook certs --out tls --client kube-apiserver
  $ authn-webhook certs --out tls --renew`)
    .action(async (options: CertsOptions) => { await issueCertificates(options, terminal) })
}

async function issueCertificates ({ out, san = [], client = [], renew, output }: CertsOptions, terminal: Terminal): Promise<void> {
  const { DEFAULT_NAMES, findCertificate, hasCA, issueClientCertificate, issueServingCertificate, openCA, assertClientName } = await import('../../certificates/directory.js')
  const { parseSubjectName } = await import('../../certificates/subject-name.js')
  // reports all errors of the command line before anything is written
  const names = san.map(parseSubjectName)
  for (const name of client) assertClientName(name)

  const directory = resolve(out)
  if (renew && !hasCA(directory)) throw new CommandError(`there is nothing to renew in ${directory}: it has no ca.crt; correct --out, or omit --renew to create a CA`)
  const ca = await openCA(directory)
  const issue = async (name: string, issueCertificate: (oldNames: readonly string[] | undefined) => Promise<IssuedCertificate>): Promise<Issued> => {
    const old = await findCertificate(directory, name, ca)
    if (old === undefined || renew) return { state: old === undefined ? 'created' : 'renewed', ...await issueCertificate(old?.names) }
    if (old.error !== undefined) throw new CommandError(`${old.certFile} ${old.error}; add --renew to replace it`)
    return { state: 'kept', ...old }
  }
  const serving = await issue('tls', async (oldNames = DEFAULT_NAMES) => await issueServingCertificate(directory, ca, [...oldNames, ...names]))
  const missing = names.filter(name => !serving.names.includes(name))
  if (missing.length > 0) throw new CommandError(`${serving.certFile} exists without ${missing.join(', ')}; add --renew to replace it by one with the old and the new names`)
  const clients: Array<Issued & { name: string }> = []
  for (const name of new Set(client)) clients.push({ name, ...await issue(name, async () => await issueClientCertificate(directory, ca, name)) })
  await print(ca, serving, clients, output, terminal)
}

async function print (ca: CertificateAuthority, serving: Issued, clients: ReadonlyArray<Issued & { name: string }>, output: OutputFormat, terminal: Terminal): Promise<void> {
  const issued = { certFile: ca.certFile, keyFile: ca.keyFile, state: ca.created ? 'created' : 'kept', expiresAt: ca.expiresAt }
  const result = { ca: issued, serving: summary(serving), clients: clients.map((client) => ({ name: client.name, ...summary(client) })) }
  await printResult(terminal, output, result, () => [
    row('CA', issued),
    row('serving', serving),
    `            for ${serving.names.join(', ')}`,
    ...clients.map((client) => row(`client ${client.name}`, client))
  ])
  if (ca.created) terminal.note(`Move ${ca.keyFile} off the machine that runs the service: anyone who has it can issue certificates that API servers trust.`)
}

function summary ({ certFile, keyFile, state, names, expiresAt }: Issued): object {
  return { certFile, keyFile, state, ...names.length > 0 && { names }, expiresAt }
}

function row (what: string, { certFile, state, expiresAt }: { certFile: string, state: string, expiresAt: Date }): string {
  return `${what.padEnd(10)}  ${state}: ${certFile}, until ${expiresAt.toISOString().slice(0, 10)}`
}
