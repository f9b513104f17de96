/** Who is signed in, and in which groups. */
import { html } from 'ghtml'
import { facts, name, plainPhrase } from './elements.js'
import { ACCOUNT } from './texts.js'

export interface Account {
  readonly username: string
  readonly groups: readonly string[]
}

export function accountFacts ({ username, groups }: Account, more: ReadonlyArray<readonly [term: string, description: string]> = []): string {
  return facts([[ACCOUNT.username, name(username)], [ACCOUNT.groups, groupList(groups)], ...more])
}

/** Directories have people in hundreds of groups; most pages stay short. */
const SHOWN = 12

function groupList (groups: readonly string[]): string {
  if (groups.length === 0) return html`${ACCOUNT.noGroups}`
  const rest = groups.length - SHOWN
  if (rest <= 0) return list(groups)
  return html`!${list(groups.slice(0, SHOWN))}<details><summary>${plainPhrase(ACCOUNT.moreGroups, { count: String(rest) })}</summary>!${list(groups.slice(SHOWN))}</details>`
}

function list (groups: readonly string[]): string {
  return html`<ul class="tags">!${groups.map(group => html`<li>!${name(group)}</li>`)}</ul>`
}
