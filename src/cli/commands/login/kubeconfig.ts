/** `authn-webhook login kubeconfig` */
import { Command, InvalidArgumentError, Option } from 'commander'
import { CLIENT_ID, ISSUER } from '../../../../schemas/client-identity.js'
import type { ClusterAddress } from '../../../kubeconfig/entries.js'
import type { ClientEntries } from '../../../kubeconfig/merge.js'
import { CommandError } from '../../command-error.js'
import { parseServerUrl } from '../../server-url.js'
import { linesOfText, type Terminal } from '../../terminal.js'

interface KubeconfigOptions {
  readonly issuer: string
  readonly client: string
  readonly issuerCertificateAuthority?: string
  readonly server?: string
  readonly certificateAuthority?: string
  readonly name?: string
  readonly into?: string
}

export function loginKubeconfigCommand (terminal: Terminal): Command {
  return new Command('kubeconfig').description('print a kubeconfig that signs in, or add it to a file')
    .addOption(new Option('--issuer <url>', 'URL of the sign-in service').makeOptionMandatory().argParser(matching(ISSUER)))
    .addOption(new Option('--client <id>', 'client ID of the cluster').makeOptionMandatory().argParser(matching(CLIENT_ID)))
    .option('--issuer-certificate-authority <file>', "CA of the sign-in service's certificate, PEM")
    .addOption(new Option('--server <url>', 'https URL of the API server').argParser(parseServer))
    .option('--certificate-authority <file>', "CA of the API server's certificate, PEM")
    .addOption(new Option('--name <name>', 'name of cluster, user and context; default: the client ID').argParser(parseName))
    .addOption(new Option('--into <file>', 'kubeconfig to add them to, such as ~/.kube/config').argParser(parseFile))
    .addHelpText('after', `
Both CAs are embedded, so that the kubeconfig works on every machine. Here, as in
"kubectl config", --certificate-authority is that of the API server; for "login" it is
that of the sign-in service. Without --server, only the user is printed or added.

--into keeps everything else in the file. It sets current-context only if there is none.

Examples:
  $ authn-webhook login kubeconfig --issuer https://login.example.com --client production --server https://api.example.com:6443 --certificate-authority cluster-ca.crt --into ~/.kube/config
  $ authn-webhook login kubeconfig --issuer https://login.example.com --client production --server https://api.example.com:6443 > production.yaml
  $ kubectl --kubeconfig production.yaml get pods`)
    .action(async (options: KubeconfigOptions) => { await createKubeconfig(options, terminal) })
}

function matching ({ pattern, expected }: { readonly pattern: string, readonly expected: string }): (text: string) => string {
  return text => {
    if (!new RegExp(pattern).test(text)) throw new InvalidArgumentError(`Expected ${expected}.`)
    return text
  }
}

function parseServer (text: string): string {
  const url = parseServerUrl(text)
  if (url === undefined || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') throw new InvalidArgumentError('Expected an https URL such as https://api.example.com:6443.')
  return text
}

function parseFile (text: string): string {
  if (text === '-') throw new InvalidArgumentError('Expected a file; without --into the kubeconfig is printed.')
  return text
}

function parseName (text: string): string {
  if (text === '' || /\p{C}/u.test(text)) throw new InvalidArgumentError('Expected a name without control characters.')
  return text
}

async function createKubeconfig (options: KubeconfigOptions, terminal: Terminal): Promise<void> {
  const entries = await readEntries(options)
  if (options.into === undefined) await print(entries, terminal)
  else await add(options.into, entries, terminal)
  terminal.note(ALLOWLIST)
}

/** Fields of kubectl.config.k8s.io/v1beta1, in which `command` was `name` at first. */
const ALLOWLIST = [
  'If kubectl (1.35 or newer) has a policy for credential plugins, allow this one in ~/.kube/kuberc:',
  '  credentialPluginPolicy: Allowlist',
  '  credentialPluginAllowlist:',
  '    - command: authn-webhook # kubectl 1.35: "name" instead of "command"'
]

async function readEntries ({ issuer, client, issuerCertificateAuthority, server, certificateAuthority, name = client }: KubeconfigOptions): Promise<ClientEntries> {
  if (server === undefined && certificateAuthority !== undefined) throw new CommandError("--certificate-authority needs --server: it is the API server's; for that of the sign-in service use --issuer-certificate-authority")
  const cluster: ClusterAddress | undefined = server === undefined ? undefined : { server, certificateAuthority: await readCA(certificateAuthority) }
  return { name, issuer, client, issuerCertificateAuthority: await readCA(issuerCertificateAuthority), cluster }
}

/** Refuses a private key: people pass kubeconfigs on. */
async function readCA (file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const { readCertificates } = await import('../../../certificates/pem.js')
  return (await readCertificates(file, { pipes: true })).pem
}

async function print ({ name, cluster, ...signIn }: ClientEntries, { print }: Terminal): Promise<void> {
  const { createClientKubeconfig, loginPlugin } = await import('../../../kubeconfig/entries.js')
  const { formatYaml } = await import('../../../printable-yaml.js')
  const user = { exec: loginPlugin(signIn) }
  print(linesOfText(formatYaml(cluster === undefined
    ? { apiVersion: 'v1', kind: 'Config', users: [{ name, user }] }
    : createClientKubeconfig(name, cluster, user))))
}

async function add (file: string, entries: ClientEntries, { print, note }: Terminal): Promise<void> {
  const { addToKubeconfig } = await import('../../../kubeconfig/file.js')
  const { quote } = await import('../../../login/pages/shell.js')
  const { name } = entries
  const { outcomes, currentContext } = await addToKubeconfig(file, entries)
  print(outcomes.map(([kind, outcome]) => `${kind} ${JSON.stringify(name)}: ${outcome} in ${file}`))
  const kubectl = `kubectl config --kubeconfig=${quote(file)}`
  if (entries.cluster === undefined) note(`To use it: ${kubectl} set-context ${quote(name)} --cluster=CLUSTER --user=${quote(name)}`)
  else if (currentContext !== name) note(`The current context is still ${JSON.stringify(currentContext)}. To switch: ${kubectl} use-context ${quote(name)}`)
}
