/**
 * Parts that several pages share. Every function returns HTML: a template inserts
 * it with `!${…}`, and everything else with `${…}`, which escapes.
 */
import { html } from 'ghtml'
import { escapeLine } from '../../printable.js'
import { COPY, TIMES } from './texts.js'

/**
 * A name from a directory, a config or a request: with invisible characters made
 * visible, in a direction of its own, and not translated.
 */
export function name (text: string): string {
  return html`<bdi translate="no">${escapeLine(text)}</bdi>`
}

/** A text with the names that belong in its braces. */
export function phrase (text: string, names: Readonly<Record<string, string>>): string {
  return text.split(/\{(\w+)\}/).map((part, index) => index % 2 === 0 ? html`${part}` : name(names[part] ?? '')).join('')
}

/** The same, for a title or an attribute, which contain no elements. */
export function plainPhrase (text: string, names: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_match, key: string) => escapeLine(names[key] ?? ''))
}

/** The hidden field against forged requests. */
export function csrfField (csrf: string): string {
  return html`<input type="hidden" name="csrf" value="${csrf}">`
}

/** What went wrong, which fields refer to by the ID `problem`. It is focused if no field is. */
export function problemBox ({ heading, advice }: { readonly heading: string, readonly advice: string }, focused: boolean): string {
  return html`<div class="box problem" role="alert" id="problem" !${focused ? 'tabindex="-1" autofocus' : ''}><strong>${heading}</strong><p>${advice}</p></div>`
}

/** A time in UTC, and how far away it is. */
export function time (date: Date, now: number): string {
  return html`<time datetime="${date.toISOString()}">${ABSOLUTE.format(date)} UTC</time> <span class="soft">(${relativeTime(date.getTime() - now)})</span>`
}

/** @param distance milliseconds from now */
function relativeTime (distance: number): string {
  // rounded: what lasts ten hours ends in ten, also a second later
  const minutes = Math.round(distance / 60_000)
  if (minutes === 0) return distance > 0 ? TIMES.soon : TIMES.justNow
  return Math.abs(minutes) < 120 ? RELATIVE.format(minutes, 'minute') : RELATIVE.format(Math.round(minutes / 60), 'hour')
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always' })
const ABSOLUTE = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'long', timeStyle: 'short' })

export interface CopyField {
  readonly id: string
  readonly label: string
  readonly value: string
  /** Left out when the page is printed. */
  readonly secret?: boolean
  /** A short command. */
  readonly oneLine?: boolean
}

/** A field that can be copied by a button or, without the script, by hand. */
export function copyField ({ id, label, value, secret = false, oneLine = false }: CopyField): string {
  // browsers drop the first line break in a textarea
  return html`<div class="copy!${secret ? ' secret' : ''}!${oneLine ? ' one-line' : ''}">
<label for="${id}">${label}</label>
<textarea id="${id}" rows="!${oneLine ? 1 : 4}" readonly spellcheck="false" autocomplete="off" translate="no">
${value}</textarea>
<button type="button" class="small" hidden data-copy="${id}" data-status="${id}-status" data-copied="${COPY.copied}" data-failed="${COPY.failed}" aria-label="${plainPhrase(COPY.label, { label })}">${COPY.button}</button>
<span role="status" id="${id}-status"></span></div>`
}

/** Terms and what they are, which is HTML. */
export function facts (entries: ReadonlyArray<readonly [term: string, description: string]>): string {
  return html`<dl>!${entries.map(([term, description]) => html`<div><dt>${term}</dt><dd>!${description}</dd></div>`)}</dl>`
}
