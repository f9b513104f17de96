/** `tls:` of the chart: who makes the certificates, and whether the API server needs one. */
import { Type, type Static } from '@sinclair/typebox'
import { Enum, ForeignDuration } from '../primitives.js'
import { Flag, Count, Group, KubernetesObject, ObjectName } from './kubernetes.js'

const MAX_DAYS = 36_500

export const Certificates = Group('Certificates.', {
  mode: Enum(['helm', 'certManager', 'existingSecret'], {
    default: 'helm',
    description: '`helm`: this chart makes them, and keeps its authority in a Secret that stays. `certManager`: cert-manager does. `existingSecret`: you do; needed by `helm template`, Argo CD and whatever else renders without looking into the cluster.'
  }),
  sans: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Further DNS names and IP addresses of the serving certificate. None is needed: API servers look for authn-webhook.kube-system.svc, whatever address they call.' }),
  clientCertificate: Group('The certificate by which API servers identify themselves.', {
    required: Flag(true, 'Reviews without it are refused. Without this, whoever reaches the port may try passwords.'),
    name: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9._:-]+$', expected: 'a name of letters, digits, and any of . _ : -', default: 'kube-apiserver', description: 'Its common name, the only one that may ask.' })
  }),
  helm: Group('With `mode: helm`.', {
    caDays: Count(3650, { minimum: 2, maximum: MAX_DAYS }, 'Life of the authority and of the client certificate. API servers read both only when they start.'),
    days: Count(730, { maximum: MAX_DAYS }, 'Life of the serving certificate, at most that of the authority.'),
    renewBeforeDays: Count(365, { minimum: 0, maximum: MAX_DAYS }, 'An upgrade renews the serving certificate when it has fewer days left; 0: never. Less than `days`.')
  }),
  certManager: Group('With `mode: certManager`.', {
    issuerRef: KubernetesObject('An issuer of yours, as `{name, kind, group}`. Empty: a self-signed authority of its own, which issues in this namespace.'),
    caDuration: ForeignDuration('87600h', 'Life of the authority and of the client certificate.'),
    duration: ForeignDuration('2160h', 'Life of the serving certificate, at most that of the authority; cert-manager wants an hour at least.'),
    renewBefore: ForeignDuration('720h', 'It is renewed this long before its end: less than `duration`; cert-manager wants 5 minutes at least.')
  }),
  existingSecret: ObjectName('With `mode: existingSecret`: the Secret with `tls.crt`, `tls.key` and, for client certificates, `ca.crt`. Empty: the chart\'s name and `-tls`.')
})
export type Certificates = Static<typeof Certificates>
