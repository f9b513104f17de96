import type { FieldError } from '../errors.js'

/** Adds an error, unless one of `fields` has an error already. */
export type AddError = (path: string, message: string, fields?: readonly string[]) => void

/** A list of mappings with their paths; what is none has an error of its own. */
export function entriesOf<T extends object> (list: readonly T[] | undefined, path: string): Array<{ readonly entry: T, readonly at: string }> {
  return (Array.isArray(list) ? list as readonly T[] : [])
    .map((entry, index) => ({ entry, at: `${path}[${index}]` }))
    .filter(({ entry }) => typeof entry === 'object' && entry !== null)
}

/** @param known errors that the config has already */
export function errorList (known: readonly FieldError[]): { readonly errors: FieldError[], readonly addError: AddError } {
  const errors: FieldError[] = []
  const isValid = (path: string): boolean => !known.some((error) => isWithin(error.path, path) || isWithin(path, error.path))
  return {
    errors,
    addError (path, message, fields = []) {
      if ([path, ...fields].every(isValid)) errors.push({ path, message })
    }
  }
}

function isWithin (path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`)
}
