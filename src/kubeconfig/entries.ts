/** The kubeconfig of a person: a cluster, a user that signs in, and the context of both, all with one name. */
import type { Kubeconfig } from '../../schemas/kubeconfig.js'

/** The program that kubectl asks for a token: `ExecConfig` of client-go's `clientcmd/api/v1`. */
export interface ExecPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1'
  readonly command: string
  readonly args: readonly string[]
  readonly interactiveMode: 'IfAvailable'
  readonly provideClusterInfo: false
  /** kubectl prints it if it does not find the command. */
  readonly installHint: string
}

export interface ClusterAddress {
  readonly server: string
  /** PEM. */
  readonly certificateAuthority?: string | undefined
}

export interface SignIn {
  readonly issuer: string
  /** Its ID. */
  readonly client: string
  /** CA of the sign-in service, PEM, if the computers of users don't trust it. */
  readonly issuerCertificateAuthority?: string | undefined
}

export function execPlugin ({ command, args, installHint }: Pick<ExecPlugin, 'command' | 'args' | 'installHint'>): ExecPlugin {
  return { apiVersion: 'client.authentication.k8s.io/v1', command, args, interactiveMode: 'IfAvailable', provideClusterInfo: false, installHint }
}

/** Runs `authn-webhook login`. */
export function loginPlugin ({ issuer, client, issuerCertificateAuthority }: SignIn): ExecPlugin {
  return execPlugin({
    command: 'authn-webhook',
    args: ['login', ...signInFlags({ issuer, client }), ...caFlags(issuerCertificateAuthority)],
    installHint: `authn-webhook is not installed or not in the PATH. Ask your administrator how to get it, or download another kubeconfig from ${issuer}.`
  })
}

/** By these, a user of a kubeconfig is recognised. */
export function signInFlags ({ issuer, client }: Pick<SignIn, 'issuer' | 'client'>): string[] {
  return [`--issuer=${issuer}`, `--client=${client}`]
}

/** `authn-webhook login` and kubelogin have this flag; its file would be missing on other computers. */
export function caFlags (pem: string | undefined): string[] {
  return pem === undefined ? [] : [`--certificate-authority-data=${base64(pem)}`]
}

export function createClientKubeconfig (name: string, cluster: ClusterAddress, user: object): Kubeconfig {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: clusterFields(cluster) }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name
  }
}

export function clusterFields ({ server, certificateAuthority }: ClusterAddress): { server: string, 'certificate-authority-data'?: string } {
  return { server, ...certificateAuthority !== undefined && { 'certificate-authority-data': base64(certificateAuthority) } }
}

function base64 (text: string): string {
  return Buffer.from(text).toString('base64')
}
