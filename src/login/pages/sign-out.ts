/** The pages that end a browser session. */
import { html } from 'ghtml'
import { phrase } from './elements.js'
import { layout } from './layout.js'
import type { SignOutModel, Site } from './models.js'
import { homePath } from './paths.js'
import { SIGN_OUT, SIGNED_OUT } from './texts.js'

export function signOutPage (site: Site, { form, formId, clientName }: SignOutModel): string {
  return layout(site, {
    title: SIGN_OUT.title,
    heading: html`${SIGN_OUT.title}`,
    body: html`!${clientName === undefined ? '' : html`<p class="lead">!${phrase(SIGN_OUT.fromClient, { client: clientName })}</p>`}
<p>${SIGN_OUT.lead}</p>
<p>${SIGN_OUT.tokens}</p>
!${form}
<button type="submit" class="primary" form="${formId}" name="logout" value="yes">${SIGN_OUT.approve}</button>
<button type="submit" form="${formId}">${SIGN_OUT.cancel}</button>`
  })
}

export function signedOutPage (site: Site): string {
  return layout(site, {
    title: SIGNED_OUT.title,
    heading: html`${SIGNED_OUT.title}`,
    body: html`<p>${SIGN_OUT.tokens}</p>
<p><a class="button" href="${homePath(site)}">${SIGNED_OUT.signIn}</a></p>`
  })
}
