/** Limits that commands print without loading the schemas. */

/** Default of `server.maxTokenBytes`. */
export const MAX_TOKEN_BYTES = 16_384
