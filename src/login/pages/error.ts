/** The page that says what went wrong, and what to do. */
import { html } from 'ghtml'
import { escapeLine } from '../../printable.js'
import { layout } from './layout.js'
import type { ErrorModel, Site } from './models.js'
import { homePath } from './paths.js'
import { ERROR_PAGE } from './texts.js'

export function errorPage (site: Site, { title, message, advice }: ErrorModel): string {
  return layout(site, {
    title: escapeLine(title),
    heading: html`${escapeLine(title)}`,
    body: html`<p class="lead">${escapeLine(message)}</p>
<p>${escapeLine(advice)}</p>
<p><a class="button" href="${homePath(site)}">${ERROR_PAGE.home}</a></p>`
  })
}
