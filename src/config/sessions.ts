import type { Config } from '../../schemas/config.js'

/** The settings of session tokens, complete. */
export interface Sessions {
  readonly issuer: string
  readonly certFiles: readonly string[]
  readonly audiences: readonly string[]
  readonly revocationsFile?: string | undefined
}

/** Those of `sessions`, with the defaults of `login`; `undefined`: this process accepts no session tokens. */
export function sessionsOf ({ login, sessions }: Pick<Config, 'login' | 'sessions'>): Sessions | undefined {
  const issuer = sessions?.issuer ?? login?.issuer
  const certFiles = sessions?.certFiles ?? login?.signingKeys.map(({ certFile }) => certFile)
  const audiences = sessions?.audiences ?? login?.clients.map(({ id }) => id)
  if (issuer === undefined || certFiles === undefined || audiences === undefined) return undefined
  return { issuer, certFiles, audiences, revocationsFile: sessions?.revocationsFile }
}
