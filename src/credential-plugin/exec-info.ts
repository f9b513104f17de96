/** KUBERNETES_EXEC_INFO: what kubectl tells a credential plugin. */
import { SignInError } from './sign-in-error.js'

export const API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const
export type ExecApiVersion = typeof API_VERSIONS[number]

export interface ExecInfo {
  readonly apiVersion: ExecApiVersion
  /** Whether stdin is passed on; kubectl before 1.22 does not say. */
  readonly interactive: boolean | undefined
  /** CA of the cluster, PEM; with `provideClusterInfo: true`. */
  readonly clusterCA: string | undefined
}

const VARIABLE = 'KUBERNETES_EXEC_INFO'

/**
 * `undefined` if kubectl did not start this process.
 * @throws SignInError
 */
export function readExecInfo (env: NodeJS.ProcessEnv): ExecInfo | undefined {
  const text = env[VARIABLE] ?? ''
  if (text === '') return undefined
  const { kind, apiVersion, spec } = parse(text)
  if (kind !== 'ExecCredential' || typeof apiVersion !== 'string') throw invalid('is not an ExecCredential: only kubectl and other Kubernetes clients should set it')
  const version = API_VERSIONS.find(each => each === apiVersion)
  if (version === undefined) throw invalid(`asks for an apiVersion that is not supported: set exec.apiVersion of the kubeconfig to ${API_VERSIONS[0]}`)
  const { interactive, cluster } = objectOf(spec)
  const data = objectOf(cluster)['certificate-authority-data']
  return {
    apiVersion: version,
    interactive: typeof interactive === 'boolean' ? interactive : undefined,
    clusterCA: typeof data === 'string' && data !== '' ? Buffer.from(data, 'base64').toString() : undefined
  }
}

/** The CAs to trust if the command line names none: a cluster and its sign-in service often have certificates of the same CA. */
export async function trustOf (info: ExecInfo | undefined): Promise<string | undefined> {
  if (info?.clusterCA === undefined) return undefined
  // it takes 20 ms to load
  const { rootCertificates } = await import('node:tls')
  return [...rootCertificates, info.clusterCA].join('\n')
}

function parse (text: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    throw invalid('is not JSON: only kubectl and other Kubernetes clients should set it')
  }
}

function objectOf (value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
}

function invalid (message: string): SignInError {
  return new SignInError('invalid', `${VARIABLE} ${message}`)
}
