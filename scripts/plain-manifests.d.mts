/** Each file of deploy/ that is rendered, by its path. */
export function plainManifests (helm: string): Record<string, string>
