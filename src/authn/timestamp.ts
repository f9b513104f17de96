/** Strict RFC 3339 timestamps. */

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

/**
 * Parses `2027-01-01T00:00:00Z`; `undefined` if the text is not a timestamp. `Date`
 * would read 30 February as 2 March, and 24:00 as the next day.
 */
export function parseTimestamp (text: string): Date | undefined {
  const match = RFC3339.exec(text.toUpperCase())
  if (match === null) return undefined
  const [, date, time, fraction = '', zone] = match
  const local = new Date(`${date}T${time}Z`)
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(`${date}T${time}`)) return undefined
  const moment = new Date(`${date}T${time}${fraction}${zone}`)
  return Number.isNaN(moment.getTime()) ? undefined : moment
}
