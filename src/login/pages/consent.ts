/** The page that asks whether an application may have a token. */
import { html } from 'ghtml'
import { csrfField, facts, name, phrase, plainPhrase } from './elements.js'
import { layout } from './layout.js'
import type { ConsentModel, Site } from './models.js'
import { CONSENT } from './texts.js'

export function consentPage (site: Site, { action, csrf, clientName, redirectHost, username }: ConsentModel): string {
  const client = { client: clientName }
  const destination = LOOPBACK.test(redirectHost) ? html`${CONSENT.thisComputer} <span class="soft">(!${name(redirectHost)})</span>` : name(redirectHost)
  return layout(site, {
    title: plainPhrase(CONSENT.title, client),
    heading: phrase(CONSENT.title, client),
    body: html`<p class="lead">!${phrase(CONSENT.lead, client)}</p>
!${facts([[CONSENT.client, name(clientName)], [CONSENT.account, name(username)], [CONSENT.destination, destination]])}
<p class="box warning">${CONSENT.warning}</p>
<form method="post" action="${action}">
!${csrfField(csrf)}
<button type="submit" class="primary" name="decision" value="approve">${CONSENT.approve}</button>
<button type="submit" name="decision" value="cancel">${CONSENT.cancel}</button>
</form>`
  })
}

/** As RFC 8252, 7.3, allows native applications to receive codes. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/
