/** Answers of our own routes. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface BrowserRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Of the person. */
  readonly address: string
  /** Fields of the form. */
  readonly fields: Readonly<Record<string, unknown>>
}

export type Answer =
  | { readonly status: number, readonly html: string, /** Where the form of the page ends, if not here. */ readonly formAction?: string | undefined }
  | { readonly location: string }
  | { readonly fileName: string, readonly text: string }

/** A field that came once. */
export function textOf (field: unknown): string {
  return typeof field === 'string' ? field : ''
}
