/** JSON objects from a token, of which each name has one meaning. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Levels of objects and lists; the tokens of Keycloak, GitHub and Kubernetes have at most 5. */
const MAX_DEPTH = 32

/** `undefined` unless the text is a JSON object without duplicate names, to which RFC 7519, 4 leaves the choice, and without excessive nesting. */
export function parseObject (text: string): JsonObject | undefined {
  const value = tryParse(text)
  return isObject(value) && !isAmbiguousOrDeep(text) ? value : undefined
}

export function tryParse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member of this name; not one that every object inherits. */
export function memberOf (object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** A string, with the colon after it if it is a name; or the begin or end of an object or list. */
const STRUCTURE = /("[^"\\]*(?:\\.[^"\\]*)*")\s*(:)?|[{}[\]]/g

/** @param text valid JSON */
function isAmbiguousOrDeep (text: string): boolean {
  const names: Array<Set<string>> = []
  for (const [token, string, colon] of text.matchAll(STRUCTURE)) {
    if (string === undefined) {
      if (token === '{' || token === '[') names.push(new Set())
      else names.pop()
      if (names.length > MAX_DEPTH) return true
    } else if (colon !== undefined) {
      // "\u0069ss" is "iss"
      const name = string.includes('\\') ? JSON.parse(string) as string : string.slice(1, -1)
      if (names.at(-1)?.has(name) === true) return true
      names.at(-1)?.add(name)
    }
  }
  return false
}
