/** Errors with the file that has them. */
import { findFileField } from '../../../config/file-field.js'
import { ValidationError, type FieldError } from '../../../errors.js'

export type LocatedError = FieldError & { readonly file: string }

/** An error at a field of the config. */
export type Locate = (field: string, message: string) => LocatedError

export interface Findings {
  readonly locate: Locate
  readonly warn: (warning: LocatedError) => void
}

export async function errorsOf<T> (read: () => Promise<T>): Promise<{ value: T } | { errors: LocatedError[] }> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof ValidationError) return { errors: located(error) }
    throw error
  }
}

export function located ({ file, errors }: ValidationError): LocatedError[] {
  return errors.map((error) => ({ file, ...error }))
}

/** An error of a whole file is located at the field below `path` that names the file, others in the file. @param dir where relative paths of `value` start */
export function atField (error: LocatedError, value: unknown, path: string, dir: string, locate: Locate): LocatedError {
  const field = error.path === '' && error.line === undefined ? findFileField(error.file, value, path, dir) : undefined
  return field === undefined ? error : locate(field, `${error.file}: ${error.message}`)
}
