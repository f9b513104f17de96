/**
 * `config:` of the chart: the config of the service, without the paths of
 * certificates, which the chart sets. It ends in a ConfigMap, so a secret can
 * only be a reference (published.ts).
 */
import { Type, type Static } from '@sinclair/typebox'
import { AdminConfig, Config, IdentityProviderConfig, TlsConfig } from '../config.js'
import { Closed } from '../primitives.js'

export const USERS_FILE = '/etc/authn-webhook/users/users.yaml'

const { server, throttle, pressure, audiences, sharedNames, sessions, log } = Config.properties

const PEOPLE = [{ name: 'people', kind: 'static', config: { usersFile: USERS_FILE } }]

export const ServiceConfig = Closed({
  server,
  admin: Type.Object(AdminConfig.properties, { additionalProperties: false, default: {}, description: 'Plain HTTP listener for probes and metrics.' }),
  tls: Closed({ minVersion: TlsConfig.properties.minVersion }, { default: {}, description: 'TLS settings; the chart sets the files, see `tls`.' }),
  audiences,
  throttle,
  pressure,
  sharedNames,
  identityProviders: Type.Array(IdentityProviderConfig, {
    minItems: 1,
    default: PEOPLE,
    description: 'Identity providers, in the order in which they are asked. The Secret of `users` is mounted at /etc/authn-webhook/users, those of `secretMounts` below /etc/authn-webhook/secrets.'
  }),
  sessions,
  log
}, { default: { identityProviders: PEOPLE }, description: 'Config of the service, as in examples/full.yaml, without `apiVersion` and the files of `tls`. Defaults are those of the service, except that `server.shutdownDelay` is 10s (0s in a DaemonSet), `server.http2` is false (true in a DaemonSet), `admin` is enabled, and a DaemonSet listens on 127.0.0.1.' })
export type ServiceConfig = Static<typeof ServiceConfig>
