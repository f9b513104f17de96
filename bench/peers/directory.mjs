// A provider whose answers are worth a place in the cache: bench/people.mjs numbers
// its tokens, and it takes each for the user of that number.

export default {
  contract: 1,
  kind: 'numbered',
  schema: { type: 'object', additionalProperties: false },
  async open () {
    return {
      async authenticateToken (token) {
        const [, number] = token.match(/x(\d{6})$/) ?? []
        if (number === undefined) return null
        return { user: { username: `user-${number}`, uid: number, groups: ['developers', 'platform'], extra: { 'example.com/team': ['platform'] } } }
      }
    }
  }
}
