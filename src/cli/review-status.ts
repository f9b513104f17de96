/** Decodes a TokenReview's status by the rules of Go, as an API server does: one field of the wrong type invalidates it. */
import { Ajv } from 'ajv'
import { DecodableStatus, type TokenReviewStatus, type UserInfo } from '../../schemas/token-review.js'

// only the first error: a large response may have a million
const isDecodable = new Ajv({ validateSchema: false, addUsedSchema: false, strict: false }).compile<DecodableStatus>(DecodableStatus)

/** The status without empty fields, and with a user only if it is authenticated; or what is wrong with it. */
export function decodeStatus (given: unknown): TokenReviewStatus | string {
  if (!isDecodable(given)) {
    const [{ instancePath, message } = { instancePath: '', message: '' }] = isDecodable.errors ?? []
    return `no status that an API server can decode: status${instancePath.replaceAll('/', '.')} ${message}`
  }
  const { authenticated, user, audiences, error } = given
  return {
    authenticated: authenticated ?? false,
    ...authenticated === true && { user: userOf(user ?? {}) },
    ...audiences && audiences.length > 0 && { audiences: textsOf(audiences) },
    ...error && { error }
  }
}

/** API servers accept an authenticated user without a name, as the user "". */
function userOf ({ username, uid, groups, extra }: NonNullable<DecodableStatus['user']>): UserInfo {
  return {
    username: username ?? '',
    ...uid && { uid },
    ...groups && { groups: textsOf(groups) },
    ...extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, textsOf(values ?? [])])) }
  }
}

function textsOf (texts: ReadonlyArray<string | null>): string[] {
  return texts.map(text => text ?? '')
}
