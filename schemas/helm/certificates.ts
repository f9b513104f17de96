/** `tls:` of the chart. */
import { Type, type Static } from '@sinclair/typebox'
import { Enum, ForeignDuration } from '../primitives.js'
import { Flag, Count, Group, KubernetesObject, ObjectName } from './kubernetes.js'

const MAX_DAYS = 36_500

export const Certificates = Group('Certificates.', {
  mode: Enum(['helm', 'certManager', 'existingSecret'], {
    default: 'helm',
    description: 'Issuer of certificates. `helm`: this chart, with a CA in a Secret that outlives the release. `certManager`: cert-manager. `existingSecret`: you; for `helm template`, Argo CD and other tools that render without access to the cluster, use this or `certManager`.'
  }),
  sans: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Additional DNS names and IP addresses of the serving certificate. API servers need none: they verify the name authn-webhook.kube-system.svc, at any address.' }),
  clientCertificate: Group('Client certificate of API servers.', {
    required: Flag(true, 'Reject reviews without it. If false, anyone who can reach the port can try passwords.'),
    name: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9._:-]+$', expected: 'a name of letters, digits, and any of . _ : -', default: 'kube-apiserver', description: 'Common name of the certificate, the only one that may POST reviews.' })
  }),
  helm: Group('For `mode: helm`.', {
    caDays: Count(3650, { minimum: 2, maximum: MAX_DAYS }, 'Lifetime of the CA and of the client certificate, in days. API servers read both only at start.'),
    days: Count(730, { maximum: MAX_DAYS }, 'Lifetime of the serving certificate, in days, at most that of the CA.'),
    renewBeforeDays: Count(365, { minimum: 0, maximum: MAX_DAYS }, 'Remaining days at which an upgrade renews the serving certificate, less than `days`; 0: never.')
  }),
  certManager: Group('For `mode: certManager`.', {
    issuerRef: KubernetesObject('Existing issuer, as `{name, kind, group}`. Empty: a self-signed CA that issues in this namespace.'),
    caDuration: ForeignDuration('87600h', 'Lifetime of the CA and of the client certificate.'),
    duration: ForeignDuration('2160h', 'Lifetime of the serving certificate, at most that of the CA; cert-manager requires at least one hour.'),
    renewBefore: ForeignDuration('720h', 'Time before expiry at which it is renewed, less than `duration`; cert-manager requires at least 5 minutes.')
  }),
  existingSecret: ObjectName('For `mode: existingSecret`: Secret with `tls.crt`, `tls.key` and, for client certificates, `ca.crt`. Empty: the chart\'s name with `-tls`.')
})
export type Certificates = Static<typeof Certificates>
