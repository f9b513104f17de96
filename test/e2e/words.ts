/** What the API server says of us and of people, in its own words. */
import type { UserInfo } from '../../schemas/token-review.js'

/** `status.error` of a TokenReview for a token that is nobody's: a denial comes without an error of ours. */
export const DENIED = 'invalid bearer token'

/** `status.error` where a provider could not tell. */
export function couldNotTell (provider: string): string {
  return `[${DENIED}, identity provider "${provider}" is unavailable]`
}

/** `status.user` of somebody whom we named so: a group says that the API server knows who it is. */
export function arrived ({ groups = [], ...user }: UserInfo): UserInfo {
  return { ...user, groups: [...groups, 'system:authenticated'] }
}

/** How a refusal begins that is RBAC's. Go quotes names as JSON does. */
export function forbidden (username: string, resource = 'namespaces'): string {
  return `${resource} is forbidden: User ${JSON.stringify(username)} cannot list resource "${resource}"`
}
