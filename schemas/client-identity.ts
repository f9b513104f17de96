/** How sign-in services and their clients are named; without TypeBox, for a command that has to start fast. */

/** As OpenID Connect Discovery compares it: exactly as written, without a "/" at the end. */
export const ISSUER = {
  pattern: '^https://[a-z0-9.\\[\\]:-]+(/[A-Za-z0-9._~-]+)*$',
  maxLength: 512,
  expected: 'an https URL in lower case without a query and without "/" at the end, such as https://login.example.com'
} as const

export const CLIENT_ID = {
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
  expected: 'an ID of letters, digits, ".", "_" and "-", at most 128'
} as const
