/** Certificates of the service and of the API server, good and bad, and what an API server makes of them. */
import { createCA, issueClient, issueServing, type CertificatePair } from '../../src/certificates/issue.js'
import { issueOdd } from '../fixtures/certificates.js'

export const NAME = 'authn.example.com'
const weekAgo = (): number => Date.now() - 7 * 24 * 3_600_000
export const servingCA = await createCA({ commonName: 'serving CA', days: 30, now: weekAgo })
export const clientCA = await createCA({ commonName: 'client CA', days: 2 })
const stranger = await createCA({ commonName: 'client CA', days: 2 })
export const right = await issueServing(servingCA, { names: ['127.0.0.1', NAME], days: 1 })
export const apiServer = await issueClient(clientCA, { commonName: 'kube-apiserver', days: 1 })

/** Somebody is let in, or what the API server logs of the refusal. */
export type Verdict = 'in' | RegExp

const UNKNOWN_CA = /x509: certificate signed by unknown authority/
const EXPIRED = /x509: certificate has expired or is not yet valid/

export const servingCertificates: ReadonlyArray<{ what: string, certificate: CertificatePair, byAddress: Verdict, byName: Verdict }> = [
  { what: 'with both names', certificate: right, byAddress: 'in', byName: 'in' },
  {
    what: 'without the address',
    certificate: await issueServing(servingCA, { names: [NAME], days: 1 }),
    byAddress: /x509: cannot validate certificate for 127\.0\.0\.1 because it doesn't contain any IP SANs/,
    byName: 'in'
  },
  {
    what: 'with other names',
    certificate: await issueServing(servingCA, { names: ['192.0.2.10', 'authn.example.net'], days: 1 }),
    byAddress: /x509: certificate is valid for 192\.0\.2\.10, not 127\.0\.0\.1/,
    byName: /x509: certificate is valid for authn\.example\.net, not authn\.example\.com/
  },
  {
    what: 'with a common name alone',
    certificate: await issueOdd(servingCA, { commonName: NAME, days: 1 }),
    byAddress: /x509: cannot validate certificate for 127\.0\.0\.1/,
    byName: /x509: certificate relies on legacy Common Name field/
  },
  { what: 'that has expired', certificate: await issueServing(servingCA, { names: ['127.0.0.1', NAME], days: 1, now: weekAgo }), byAddress: EXPIRED, byName: EXPIRED },
  { what: 'of an unknown CA', certificate: await issueServing(stranger, { names: ['127.0.0.1', NAME], days: 1 }), byAddress: UNKNOWN_CA, byName: UNKNOWN_CA }
]

export const clientCertificates: ReadonlyArray<{ what: string, asker: 'byAddress' | 'byName', trusted: CertificatePair, clientNames: string[], verdict: Verdict }> = [
  { what: 'missing', asker: 'byAddress', trusted: clientCA, clientNames: ['kube-apiserver'], verdict: /a client certificate is required/ },
  { what: 'of another CA', asker: 'byName', trusted: stranger, clientNames: ['kube-apiserver'], verdict: /the client certificate is not signed by the client CA of this service/ },
  { what: 'with a wrong name', asker: 'byName', trusted: clientCA, clientNames: ['kube-scheduler'], verdict: /client certificate name is not in tls\.clientNames/ },
  { what: 'the right one', asker: 'byName', trusted: clientCA, clientNames: ['kube-scheduler', 'kube-apiserver'], verdict: 'in' }
]
