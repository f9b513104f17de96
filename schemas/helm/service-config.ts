/**
 * `config:` of the chart: the service's own config, out of the same schemas.
 * What the chart decides itself is not in it (where certificates lie). A secret
 * is named in it, never written (published.ts): the config becomes a ConfigMap.
 */
import { Type, type Static } from '@sinclair/typebox'
import { AdminConfig, Config, IdentityProviderConfig, TlsConfig } from '../config.js'
import { Closed } from '../primitives.js'

export const USERS_FILE = '/etc/authn-webhook/users/users.yaml'

const { server, throttle, pressure, audiences, sharedNames, log } = Config.properties

const PEOPLE = [{ name: 'people', kind: 'static', config: { usersFile: USERS_FILE } }]

export const ServiceConfig = Closed({
  server,
  admin: Type.Object(AdminConfig.properties, { additionalProperties: false, default: {}, description: 'The plain HTTP listener for probes and metrics.' }),
  tls: Closed({ minVersion: TlsConfig.properties.minVersion }, { default: {}, description: 'The files are the chart\'s; see `tls`.' }),
  audiences,
  throttle,
  pressure,
  sharedNames,
  identityProviders: Type.Array(IdentityProviderConfig, {
    minItems: 1,
    default: PEOPLE,
    description: 'Asked in this order. The Secret of `users` is mounted at /etc/authn-webhook/users, those of `secretMounts` below /etc/authn-webhook/secrets.'
  }),
  log
}, { default: { identityProviders: PEOPLE }, description: 'The config of the service, as in examples/full.yaml, without `apiVersion` and the files of `tls`. What is left out has the service\'s default; but `server.shutdownDelay` is 10s (0s in a DaemonSet), `admin` is on, and a DaemonSet listens on 127.0.0.1.' })
export type ServiceConfig = Static<typeof ServiceConfig>
