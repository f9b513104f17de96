/** Path of the issuer, without "/" at the end. */
export function basePath (issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}
