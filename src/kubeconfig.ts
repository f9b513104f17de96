/**
 * The kubeconfig that tells an API server how to reach this service: made by
 * `webhook-config`, read by `review --kubeconfig`, which asks as the API server
 * would.
 */
import { dirname, resolve } from 'node:path'
import { Kubeconfig, type KubeconfigCluster, type KubeconfigUser } from '../schemas/kubeconfig.js'
import type { Fault } from './errors.js'
import { faultsError, readDocument, type Document } from './files/document.js'
import { parseCertificates, parsePrivateKey, refuseMismatch, type CertificateFile, type KeyFile } from './files/pem.js'
import { readText } from './files/text.js'
import { formatYaml } from './printable.js'

export interface WebhookTarget {
  /** With the path of the TokenReview route. */
  readonly server: URL
  readonly authority: CertificateFile
  readonly client?: { readonly certificate: CertificateFile, readonly key: KeyFile } | undefined
  /** The name in the service's certificate, where it isn't the URL's host. */
  readonly serverName?: string | undefined
}

/** `embed`: the contents of the files instead of their absolute paths. */
export function createWebhookKubeconfig ({ server, authority, client, serverName }: WebhookTarget, embed: boolean): Kubeconfig {
  const name = 'authn-webhook'
  const user = 'kube-apiserver'
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{
      name,
      cluster: {
        server: server.href,
        ...reference('certificate-authority', authority, embed),
        ...serverName !== undefined && { 'tls-server-name': serverName }
      }
    }],
    users: [{
      name: user,
      user: client === undefined
        ? {}
        : { ...reference('client-certificate', client.certificate, embed), ...reference('client-key', client.key, embed) }
    }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name
  }
}

function reference (key: string, { file, pem }: { file: string, pem: string }, embed: boolean): Record<string, string> {
  return embed ? { [`${key}-data`]: Buffer.from(pem).toString('base64') } : { [key]: resolve(file) }
}

/** YAML, headed by what to do with it. */
export function formatWebhookKubeconfig (config: Kubeconfig): string {
  return `# How a Kubernetes API server reaches authn-webhook. On every control plane machine:
#
# 1. Save this as a file that the API server alone can read. The files that it
#    names, if any, must be there as well; where the API server runs in a
#    container, mount all of them at the same paths.
# 2. Add to the API server's flags:
#      --authentication-token-webhook-config-file=PATH-OF-THIS-FILE
#      --authentication-token-webhook-version=v1

${formatYaml(config)}`
}

/** Everything that it takes to ask the service; certificates and key as PEM. */
export interface WebhookKubeconfig {
  readonly server: URL
  /** Absent: the authorities that Node.js trusts. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
  /** Goes out as `Authorization: Bearer`. */
  readonly token?: string | undefined
  /** Goes out as `Authorization: Basic`. */
  readonly basic?: { readonly username: string, readonly password: string } | undefined
}

/**
 * What the current context of a kubeconfig says; its paths are relative to it,
 * and data goes before files, as in client-go.
 * @throws FaultsError naming the kubeconfig or the file that it refers to
 */
export async function readWebhookKubeconfig (file: string): Promise<WebhookKubeconfig> {
  const document = await readDocument<Kubeconfig>(file, Kubeconfig, { pipes: true })
  const { cluster, user } = currentContext(document)
  const text = async (data: string | undefined, path: string | undefined) => {
    if (data !== undefined) return { text: Buffer.from(data, 'base64').toString(), file }
    if (path === undefined) return undefined
    const absolute = resolve(dirname(file), path)
    return { text: await readText(absolute), file: absolute }
  }
  const ca = await text(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const cert = await text(user['client-certificate-data'], user['client-certificate'])
  const key = await text(user['client-key-data'], user['client-key'])
  const token = await text(undefined, user.tokenFile)
  if (ca !== undefined) parseCertificates(ca.text, ca.file)
  if (cert !== undefined && key !== undefined) {
    refuseMismatch({ file: cert.file, certificates: parseCertificates(cert.text, cert.file) }, parsePrivateKey(key.text, key.file), key.file)
  }
  return {
    server: new URL(cluster.server),
    ca: ca?.text,
    cert: cert?.text,
    key: key?.text,
    serverName: cluster['tls-server-name'],
    token: token?.text.trim() ?? user.token,
    basic: user.username === undefined ? undefined : { username: user.username, password: user.password ?? '' }
  }
}

function currentContext (document: Document<Kubeconfig>): { cluster: KubeconfigCluster, user: KubeconfigUser } {
  const { clusters, users, contexts, 'current-context': current } = document.value
  const contextAt = contexts.findIndex(({ name }) => name === current)
  if (contextAt === -1) throw unknownName(document, 'current-context', contexts)
  const { context } = contexts[contextAt]!
  const clusterAt = clusters.findIndex(({ name }) => name === context.cluster)
  if (clusterAt === -1) throw unknownName(document, `contexts[${contextAt}].context.cluster`, clusters)
  const { cluster } = clusters[clusterAt]!
  const userAt = users.findIndex(({ name }) => name === context.user)
  // no user at all is a webhook that asks for no credentials
  if (userAt === -1 && (context.user ?? '') !== '') throw unknownName(document, `contexts[${contextAt}].context.user`, users)
  const user = users[userAt]?.user ?? {}
  const faults = [...clusterFaults(cluster, `clusters[${clusterAt}].cluster`), ...userFaults(user, `users[${userAt}].user`)]
  if (faults.length > 0) throw faultsError(document, faults)
  return { cluster, user }
}

/** Names none of which a person mistakes for a secret. */
function unknownName (document: Document<unknown>, path: string, known: ReadonlyArray<{ name: string }>): Error {
  const names = known.map(({ name }) => name).join(', ')
  return faultsError(document, [{ path, message: names === '' ? 'names something that is not there' : `must be one of ${names}` }])
}

function clusterFaults (cluster: KubeconfigCluster, path: string): Fault[] {
  const faults: Fault[] = []
  if (!URL.canParse(cluster.server)) faults.push({ path: `${path}.server`, message: 'is not a URL' })
  if ((cluster as Record<string, unknown>)['insecure-skip-tls-verify'] === true) {
    faults.push({ path: `${path}.insecure-skip-tls-verify`, message: 'is not supported: tokens would go to whoever answers; give certificate-authority' })
  }
  return faults
}

function userFaults (user: KubeconfigUser, path: string): Fault[] {
  const cert = user['client-certificate'] ?? user['client-certificate-data']
  const key = user['client-key'] ?? user['client-key-data']
  return (cert === undefined) === (key === undefined) ? [] : [{ path, message: 'has one of client certificate and client key; it takes both' }]
}
