/** Reads the status of an answer as an API server does: by the rules of Go, and not at all where one field is of another type. */
import { Ajv } from 'ajv'
import { DecodableStatus, type TokenReviewStatus, type UserInfo } from '../../schemas/token-review.js'

// the first error is enough: a large answer may have a million of them
const isDecodable = new Ajv({ validateSchema: false, addUsedSchema: false, strict: false }).compile<DecodableStatus>(DecodableStatus)

/** The status in its canonical form, without empty fields and without a user where nobody is authenticated; otherwise what is wrong with it. */
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

/** Who is authenticated without a name is let in as the user "". */
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
