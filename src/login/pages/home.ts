/** The page of a person who is signed in: the account, and the clusters. */
import { html } from 'ghtml'
import { accountFacts } from './account.js'
import { name, time } from './elements.js'
import { layout } from './layout.js'
import type { HomeModel, Site } from './models.js'
import { clientPath } from './paths.js'
import { ACCOUNT, HOME } from './texts.js'

export function homePage (site: Site, { username, groups, expiresAt, clients }: HomeModel, now: number): string {
  return layout(site, {
    title: HOME.title,
    heading: html`${HOME.title}`,
    wide: true,
    username,
    body: html`!${clients.length === 0 ? html`<p class="lead">${HOME.none}</p>` : html`<p class="lead">${HOME.lead}</p>`}
<ul class="cards">!${clients.map(client => html`<li><a href="${clientPath(site, client.id)}">!${name(client.name)}</a><span class="soft">!${name(client.server)}</span></li>`)}</ul>
<section><h2>${ACCOUNT.heading}</h2>
!${accountFacts({ username, groups }, [[ACCOUNT.sessionEnds, time(expiresAt, now)]])}</section>`
  })
}
