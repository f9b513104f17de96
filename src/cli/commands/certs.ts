/** `authn-webhook certs`: an authority, a serving certificate and client certificates, without openssl. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { CommandError } from '../command-error.js'
import type { CertificateAuthority, IssuedCertificate } from '../../certificates/directory.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { repeatable } from './repeatable.js'

interface CertsOptions {
  readonly out: string
  readonly san: string[]
  readonly client: string[]
  readonly renew: boolean
  readonly output: OutputFormat
}

type State = 'created' | 'renewed' | 'kept'

/** A leaf, and what this run did to it. */
interface Outcome extends IssuedCertificate { readonly state: State }

export function certsCommand (terminal: Terminal): Command {
  return new Command('certs')
    .description('make the certificates that the service and its callers need')
    .requiredOption('--out <dir>', 'directory to write to')
    .addOption(repeatable('--san <name>', 'a DNS name or IP address of the service, besides the usual ones').default([]))
    .addOption(repeatable('--client <name>', 'make NAME.crt and NAME.key for a caller of that name').default([]))
    .option('--renew', 'replace the certificates that are there, under the same authority and with the same names', false)
    .addOption(outputOption)
    .addHelpText('after', `
Writes tls.crt and tls.key (for tls.certFile and tls.keyFile), ca.crt (for the API
server and for tls.clientCAFile) and ca/ca.key, which only signs: keep it elsewhere.
Each serving certificate is also for localhost, 127.0.0.1, ::1 and the name that the
Helm chart uses, authn-webhook.kube-system.svc: with that as --tls-server-name of
webhook-config, API servers can call any address. The CA lasts 10 years, the rest a
year. What is there is kept, unless --renew is given; a running service reloads a
renewed certificate.

Examples:
  $ authn-webhook certs --out tls
  $ authn-webhook certs --out tls --san 10.96.0.50 --san authn.example.com
  $ authn-webhook certs --out tls --client kube-apiserver
  $ authn-webhook certs --out tls --renew`)
    .action(async (options: CertsOptions) => { await makeCertificates(options, terminal) })
}

async function makeCertificates ({ out, san, client, renew, output }: CertsOptions, terminal: Terminal): Promise<void> {
  const { hasCA, openCA, assertClientName } = await import('../../certificates/directory.js')
  const { parseSubjectName } = await import('../../certificates/subject-name.js')
  // all that can be wrong with the command line, before anything is written
  const names = san.map(parseSubjectName)
  for (const name of client) assertClientName(name)

  const directory = resolve(out)
  if (renew && !hasCA(directory)) throw new CommandError(`there is nothing to renew in ${directory}: it has no ca.crt; correct --out, or leave out --renew to make a new CA`)
  const authority = await openCA(directory)
  const serving = await makeServing(directory, authority, names, renew)
  const clients: Array<Outcome & { name: string }> = []
  for (const name of new Set(client)) clients.push({ name, ...await makeClient(directory, authority, name, renew) })
  print(authority, serving, clients, output, terminal)
}

async function makeServing (directory: string, authority: CertificateAuthority, names: string[], renew: boolean): Promise<Outcome> {
  const { DEFAULT_NAMES, findCertificate, issueServingCertificate } = await import('../../certificates/directory.js')
  const old = await findCertificate(directory, 'tls', authority)
  if (old === undefined) return { state: 'created', ...await issueServingCertificate(directory, authority, [...DEFAULT_NAMES, ...names]) }
  if (renew) return { state: 'renewed', ...await issueServingCertificate(directory, authority, [...old.names, ...names]) }
  refuseInvalid(old)
  const missing = names.filter((name) => !old.names.includes(name))
  if (missing.length > 0) throw new CommandError(`${old.certFile} is there and lacks ${missing.join(', ')}; add --renew to replace it with one that has its names and these`)
  return { state: 'kept', ...old }
}

async function makeClient (directory: string, authority: CertificateAuthority, name: string, renew: boolean): Promise<Outcome> {
  const { findCertificate, issueClientCertificate } = await import('../../certificates/directory.js')
  const old = await findCertificate(directory, name, authority)
  if (old === undefined) return { state: 'created', ...await issueClientCertificate(directory, authority, name) }
  if (renew) return { state: 'renewed', ...await issueClientCertificate(directory, authority, name) }
  refuseInvalid(old)
  return { state: 'kept', ...old }
}

function refuseInvalid ({ certFile, error }: IssuedCertificate): void {
  if (error !== undefined) throw new CommandError(`${certFile} ${error}; add --renew to replace it`)
}

function print (authority: CertificateAuthority, serving: Outcome, clients: ReadonlyArray<Outcome & { name: string }>, output: OutputFormat, terminal: Terminal): void {
  const ca = { certFile: authority.certFile, keyFile: authority.keyFile, state: authority.created ? 'created' : 'kept', expiresAt: authority.expiresAt }
  const result = { ca, serving: summary(serving), clients: clients.map((client) => ({ name: client.name, ...summary(client) })) }
  printResult(terminal, output, result, () => [
    row('CA', ca),
    row('serving', serving),
    `            for ${serving.names.join(', ')}`,
    ...clients.map((client) => row(`client ${client.name}`, client))
  ])
  if (authority.created) terminal.note(`Move ${authority.keyFile} off the machine that runs the service: anyone who has it can issue certificates that API servers trust.`)
}

function summary ({ certFile, keyFile, state, names, expiresAt }: Outcome): object {
  return { certFile, keyFile, state, ...names.length > 0 && { names }, expiresAt }
}

function row (what: string, { certFile, state, expiresAt }: { certFile: string, state: string, expiresAt: Date }): string {
  return `${what.padEnd(10)}  ${state}: ${certFile}, until ${expiresAt.toISOString().slice(0, 10)}`
}
