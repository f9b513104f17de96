/** The webhook kubeconfig of an API server: created by `webhook-config`, read by `review` and `doctor`. */
import { dirname, resolve } from 'node:path'
import { Kubeconfig, type KubeconfigUser } from '../../schemas/kubeconfig.js'
import { ValidationError } from '../errors.js'
import { readDocument } from '../documents/yaml-file.js'
import { parseCertificates, parsePrivateKey, assertKeyMatches, type CertificateFile, type KeyFile } from '../certificates/pem.js'
import { readText } from '../documents/text.js'
import type { Target } from './client.js'
import { currentContext } from './kubeconfig-context.js'
import { formatYaml } from '../printable-yaml.js'

export interface WebhookTarget {
  /** With the path of the TokenReview route. */
  readonly server: URL
  readonly ca: CertificateFile
  readonly client?: { readonly certificate: CertificateFile, readonly key: KeyFile } | undefined
  /** The name in the service's certificate, if it isn't the URL's host. */
  readonly serverName?: string | undefined
}

/** `embed`: the contents of the files instead of their absolute paths. */
export function createWebhookKubeconfig ({ server, ca, client, serverName }: WebhookTarget, embed: boolean): Kubeconfig {
  const name = 'authn-webhook'
  const user = 'kube-apiserver'
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{
      name,
      cluster: {
        server: server.href,
        ...reference('certificate-authority', ca, embed),
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

/** YAML that starts with instructions. */
export function formatWebhookKubeconfig (config: Kubeconfig): string {
  return `# How a Kubernetes API server reaches authn-webhook. On every control plane machine:
#
# 1. Save this as a file that only the API server can read. Files that it names
#    must exist there too; if the API server runs in a container, mount all of
#    them at the same paths.
# 2. Add to the API server's flags:
#      --authentication-token-webhook-config-file=PATH-OF-THIS-FILE
#      --authentication-token-webhook-version=v1

${formatYaml(config)}`
}

/** The server of a kubeconfig, without credentials in its URL, and the user. */
export interface WebhookKubeconfig extends Omit<Target, 'authorization'> {
  /** For `Authorization: Bearer`. */
  readonly token?: string | undefined
  /** For `Authorization: Basic`. */
  readonly basic?: Basic | undefined
  /** As in `CurrentContext`. */
  readonly missingUser?: string
}

export interface Basic {
  readonly username: string
  readonly password: string
}

/**
 * The current context of a kubeconfig; paths are relative to the file, as in client-go.
 * @throws ValidationError of the kubeconfig or a file that it names
 */
export async function readWebhookKubeconfig (file: string): Promise<WebhookKubeconfig> {
  const document = await readDocument<Kubeconfig>(file, Kubeconfig, { pipes: true })
  const { server, cluster, user, missingUser } = currentContext(document)
  const ca = await readPem(file, cluster, 'certificate-authority')
  if (ca !== undefined) parseCertificates(ca.text, ca.file, { withKeys: true })
  const inUrl = takeCredentials(server)
  return {
    server,
    ca: ca?.text,
    ...await readPair(file, user),
    serverName: cluster['tls-server-name'] || undefined,
    ...await readAuthorization(file, user, inUrl),
    ...missingUser !== undefined && { missingUser }
  }
}

/** A certificate or key, from its data or its file. */
async function readPem<K extends string> (file: string, fields: { readonly [key in K | `${K}-data`]?: string | null }, key: K): Promise<{ text: string, file: string } | undefined> {
  const data = fields[`${key}-data`]
  if (data) return { text: Buffer.from(data, 'base64').toString(), file }
  const path = fields[key]
  if (!path) return undefined
  const absolute = resolve(dirname(file), path)
  return { text: await readText(absolute), file: absolute }
}

/** client-go reads a key only if there is a certificate. Kubelets have both in one file. */
async function readPair (file: string, user: KubeconfigUser): Promise<{ cert: string | undefined, key: string | undefined }> {
  const cert = await readPem(file, user, 'client-certificate')
  const key = cert && await readPem(file, user, 'client-key')
  if (cert === undefined || key === undefined) return { cert: undefined, key: undefined }
  assertKeyMatches({ file: cert.file, certificates: parseCertificates(cert.text, cert.file, { withKeys: true }) }, parsePrivateKey(key.text, key.file), key.file)
  return { cert: cert.text, key: key.text }
}

/** As in Go: credentials in the URL take precedence, then the token file, then the token, also if the file is unreadable. */
async function readAuthorization (file: string, { token, tokenFile, username, password }: KubeconfigUser, inUrl: Basic | undefined): Promise<Pick<WebhookKubeconfig, 'token' | 'basic'>> {
  if (inUrl !== undefined) return { token: undefined, basic: inUrl }
  const path = tokenFile ? resolve(dirname(file), tokenFile) : undefined
  const read = path === undefined ? '' : (await readText(path).catch(error => { if (!token) throw error; return '' })).trim()
  const bearer = read || token || undefined
  if (path !== undefined && bearer === undefined) throw new ValidationError(path, [{ path: '', message: 'is empty; it must contain a token' }])
  if (bearer !== undefined && NOT_IN_HEADERS.test(bearer)) throw new ValidationError(read === '' || path === undefined ? file : path, [{ path: '', message: 'contains a token with control characters, which no HTTP header can carry' }])
  return { token: bearer, basic: username ? { username, password: password ?? '' } : undefined }
}

const NOT_IN_HEADERS = /(?!\t)\p{Cc}/u

/** Removes them from the URL, which is shown in messages. */
function takeCredentials (url: URL): Basic | undefined {
  const [username = '', password = ''] = [url.username, url.password].map(decodeURIComponent)
  url.username = url.password = ''
  return username === '' && password === '' ? undefined : { username, password }
}
