/** The config of session tokens, for commands. */
import type { Config } from '../../schemas/config.js'
import type { LoadedConfig } from '../config/load.js'
import type { Terminal } from './terminal.js'

/** The longest that the config allows, in case another process signs. */
const LONGEST_TOKEN_TTL = '24h'

/** @param file as of `--config` */
export async function loadConfigFile (file: string | undefined, { env }: Pick<Terminal, 'env'>): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load.js')
  const { findDefinition } = await import('../config/registry.js')
  return await loadConfig({ file, env, findDefinition })
}

/** A duration. */
export function tokenTTLOf (config: Config | undefined): string {
  return config?.login?.tokenTTL ?? LONGEST_TOKEN_TTL
}
