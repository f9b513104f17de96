/**
 * The file of the API server's `--authentication-token-webhook-config-file`: the
 * parts of a kubeconfig (client-go `clientcmd/api/v1`) that a webhook needs.
 * As in client-go, unknown keys are ignored, and `null` and `""` are absent.
 */
import { Type, type Static } from '@sinclair/typebox'

const Text = Type.Optional(Type.Unsafe<string | null>({ type: 'string', nullable: true }))
const Texts = Type.Optional(Type.Unsafe<string[] | null>({ type: 'array', items: { type: 'string' }, nullable: true }))
const Mapping = Type.Optional(Type.Unsafe<object | null>({ type: 'object', nullable: true }))

/** Base64 as Go's encoding/json decodes it: padded, with line breaks only. */
const DIGIT = '[A-Za-z0-9+/][\\r\\n]*'
const PAD = '=[\\r\\n]*'
const Base64 = Type.Optional(Type.Unsafe<string | null>({
  type: 'string',
  nullable: true,
  pattern: `^[\\r\\n]*(?:(?:${DIGIT}){4})*(?:(?:${DIGIT}){2}(?:${PAD}){2}|(?:${DIGIT}){3}${PAD})?$`,
  expected: 'base64 (padded, without blanks), and an API server does not start with it'
}))

/** client-go assumes this value if the file has none. */
function assumed<const T extends string> (name: T, forms: readonly string[] = [name]) {
  return Type.Optional(Type.Unsafe<T | '' | null>({ anyOf: [{ enum: [...forms, ''] }, { type: 'null' }], expected: JSON.stringify(name) }))
}

export const KubeconfigCluster = Type.Object({
  server: Text,
  'certificate-authority': Text,
  'certificate-authority-data': Base64,
  'tls-server-name': Text,
  'insecure-skip-tls-verify': Type.Optional(Type.Unsafe<boolean | null>({ type: 'boolean', nullable: true })),
  'proxy-url': Text
}, { nullable: true })
export type KubeconfigCluster = Static<typeof KubeconfigCluster>

export const KubeconfigUser = Type.Object({
  'client-certificate': Text,
  'client-certificate-data': Base64,
  'client-key': Text,
  'client-key-data': Base64,
  token: Text,
  tokenFile: Text,
  username: Text,
  password: Text,
  exec: Mapping,
  'auth-provider': Mapping,
  as: Text,
  'as-uid': Text,
  'as-groups': Texts,
  'as-user-extra': Mapping
}, { nullable: true })
export type KubeconfigUser = Static<typeof KubeconfigUser>

const KubeconfigContext = Type.Object({ cluster: Text, user: Text }, { nullable: true })

export const Kubeconfig = Type.Object({
  apiVersion: assumed('v1', ['v1', '/v1']),
  kind: assumed('Config'),
  clusters: Type.Optional(Type.Array(Type.Object({ name: Text, cluster: Type.Optional(KubeconfigCluster) }), { nullable: true })),
  users: Type.Optional(Type.Array(Type.Object({ name: Text, user: Type.Optional(KubeconfigUser) }), { nullable: true })),
  contexts: Type.Optional(Type.Array(Type.Object({ name: Text, context: Type.Optional(KubeconfigContext) }), { nullable: true })),
  'current-context': Text
})
export type Kubeconfig = Static<typeof Kubeconfig>
