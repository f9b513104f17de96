// What peers without users answer to every review, in the version that was asked:
// the user of the static provider's file, so that all answers are equally long.
import { TOKEN_USER } from '../people.mjs'

const STATUS = { authenticated: true, user: TOKEN_USER }

export function answerTo ({ apiVersion, kind }) {
  return { apiVersion, kind, status: STATUS }
}
