/**
 * The file behind the API server's `--authentication-token-webhook-config-file`:
 * the parts of a kubeconfig (client-go `clientcmd/api/v1`) that a webhook needs.
 * It is Kubernetes' format, not ours: unknown keys are none of our business.
 */
import { Type, type Static } from '@sinclair/typebox'

const Text = Type.String({ minLength: 1 })
const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/\\s]+=*\\s*$', expected: 'base64' })

export const KubeconfigCluster = Type.Object({
  server: Type.String({ pattern: '^https://.', expected: 'an https:// URL' }),
  'certificate-authority': Type.Optional(Text),
  'certificate-authority-data': Type.Optional(Base64),
  'tls-server-name': Type.Optional(Text)
})
export type KubeconfigCluster = Static<typeof KubeconfigCluster>

export const KubeconfigUser = Type.Object({
  'client-certificate': Type.Optional(Text),
  'client-certificate-data': Type.Optional(Base64),
  'client-key': Type.Optional(Text),
  'client-key-data': Type.Optional(Base64),
  token: Type.Optional(Text),
  tokenFile: Type.Optional(Text),
  username: Type.Optional(Text),
  password: Type.Optional(Text)
})
export type KubeconfigUser = Static<typeof KubeconfigUser>

export const Kubeconfig = Type.Object({
  apiVersion: Type.Literal('v1'),
  kind: Type.Literal('Config'),
  clusters: Type.Array(Type.Object({ name: Text, cluster: KubeconfigCluster })),
  users: Type.Array(Type.Object({ name: Text, user: KubeconfigUser }), { default: [] }),
  contexts: Type.Array(Type.Object({ name: Text, context: Type.Object({ cluster: Text, user: Type.Optional(Type.String()) }) })),
  'current-context': Text
})
export type Kubeconfig = Static<typeof Kubeconfig>
