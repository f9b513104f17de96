/** Kubeconfigs for the people of a client with a cluster. */
import type { Grant } from '../../schemas/login.js'
import { caFlags, createClientKubeconfig, execPlugin, loginPlugin } from '../kubeconfig/entries.js'
import { escapeLine } from '../printable.js'
import { formatYaml } from '../printable-yaml.js'
import type { ClientModel } from './pages/models.js'

/** Who gets the token: `authn-webhook login`, the kubectl plugin kubelogin, or nobody, since it is in the file. */
export const KUBECONFIG_VARIANTS = ['login', 'kubelogin', 'token'] as const
export type KubeconfigVariant = typeof KUBECONFIG_VARIANTS[number]

/** What the client's page shows, and the CAs. The ID is the name of cluster, user and context. */
export interface KubeconfigModel extends Pick<ClientModel, 'id' | 'name' | 'server' | 'issuer' | 'grants' | 'token' | 'confidential'> {
  /** CA of the API server, PEM. */
  readonly certificateAuthority?: string | undefined
  /** CA of the sign-in service, PEM, if the computers of users don't trust it. */
  readonly issuerCertificateAuthority?: string | undefined
}

export interface KubeconfigFile {
  readonly fileName: string
  /** YAML. */
  readonly text: string
}

/** The variants that a client offers: programs of users don't know its secret, so that only the token is left if it has one. */
export function kubeconfigVariants ({ confidential = false }: Pick<ClientModel, 'confidential'>): readonly KubeconfigVariant[] {
  return confidential ? ['token'] : KUBECONFIG_VARIANTS
}

/** `undefined` if the client offers no such variant. */
export function createKubeconfigFile (variant: string, model: KubeconfigModel): KubeconfigFile | undefined {
  const offered = kubeconfigVariants(model).find(each => each === variant)
  return offered && { fileName: kubeconfigFileName(model.id, offered), text: createKubeconfig(offered, model) }
}

function createKubeconfig (variant: KubeconfigVariant, model: KubeconfigModel): string {
  const config = createClientKubeconfig(model.id, model, USERS[variant](model))
  return `# ${escapeLine(model.name)}: created by ${escapeLine(model.issuer)}\n${formatYaml(config)}`
}

/** Safe on every file system and in a header, whatever the ID. */
export function kubeconfigFileName (id: string, variant: KubeconfigVariant): string {
  const suffix = variant === 'login' ? '' : `-${variant}`
  return `kubeconfig-${id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 128)}${suffix}.yaml`
}

const USERS: Readonly<Record<KubeconfigVariant, (model: KubeconfigModel) => object>> = {
  login: ({ id, ...model }) => ({ exec: loginPlugin({ ...model, client: id }) }),
  kubelogin: ({ id, issuer, issuerCertificateAuthority, grants }) => ({
    exec: execPlugin({
      command: 'kubectl',
      args: ['oidc-login', 'get-token', `--oidc-issuer-url=${issuer}`, `--oidc-client-id=${id}`, '--oidc-extra-scope=groups', ...grantFlag(grants), ...caFlags(issuerCertificateAuthority)],
      installHint: 'kubelogin is not installed. Install it with "kubectl krew install oidc-login", or see https://github.com/int128/kubelogin.'
    })
  }),
  token: ({ token }) => ({ token })
}

/** kubelogin opens a browser unless it is told otherwise. */
function grantFlag (grants: readonly Grant[]): string[] {
  if (grants.includes('authorizationCode')) return []
  return [`--grant-type=${grants.includes('deviceCode') ? 'device-code' : 'password'}`]
}
