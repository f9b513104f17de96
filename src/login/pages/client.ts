/** The page of a client with a cluster: kubeconfigs, the token, and commands to paste. */
import { html } from 'ghtml'
import { kubeconfigFileName, kubeconfigVariants, type KubeconfigVariant } from '../kubeconfig.js'
import { accountFacts } from './account.js'
import { copyField, facts, name, phrase, plainPhrase, time } from './elements.js'
import { escapeLine } from '../../printable.js'
import { layout } from './layout.js'
import type { ClientModel, Site } from './models.js'
import { homePath, kubeconfigPath } from './paths.js'
import { quote } from './shell.js'
import { ACCOUNT, CLIENT, KUBECONFIGS } from './texts.js'

export function clientPage (site: Site, model: ClientModel, now: number): string {
  const { id, username, groups, server } = model
  return layout(site, {
    title: escapeLine(model.name),
    heading: name(model.name),
    wide: true,
    script: true,
    username,
    above: html`<p class="back"><a href="${homePath(site)}">${CLIENT.back}</a></p>`,
    body: html`<p class="lead">!${phrase(CLIENT.server, { server })}</p>
<section><h2>${CLIENT.kubeconfigHeading}</h2>
<p>${CLIENT.kubeconfigLead}</p>
<ul class="choices">!${kubeconfigVariants(model).map((variant, index) => choice(site, id, variant, index))}</ul></section>
!${tokenSection(model, now)}
<section><h2>${ACCOUNT.heading}</h2>
!${accountFacts({ username, groups })}</section>`
  })
}

function choice (site: Site, id: string, variant: KubeconfigVariant, index: number): string {
  const { heading, text } = KUBECONFIGS[variant]
  const file = kubeconfigFileName(id, variant)
  return html`<li><div class="bar"><h3>${heading}</h3><a class="button small!${index === 0 ? ' primary' : ''}" href="${kubeconfigPath(site, id, variant)}" download="${file}" aria-label="${plainPhrase(CLIENT.downloadLabel, { label: heading })}">${CLIENT.download}</a></div>
<p>${text}</p>
!${copyField({ id: `command-${variant}`, label: CLIENT.thenRun, value: `kubectl --kubeconfig ${quote(file)} auth whoami`, oneLine: true })}</li>`
}

function tokenSection ({ id, token, expiresAt }: ClientModel, now: number): string {
  return html`<section><h2>${CLIENT.tokenHeading}</h2>
<p>${CLIENT.tokenLead}</p>
!${copyField({ id: 'token', label: CLIENT.token, value: token, secret: true })}
!${facts([[CLIENT.expires, time(expiresAt, now)]])}
<h3>${CLIENT.setCredentialsHeading}</h3>
<p>${CLIENT.setCredentialsLead}</p>
!${copyField({ id: 'set-credentials', label: CLIENT.command, value: `kubectl config set-credentials ${quote(id)} --token=${quote(token)}`, secret: true })}</section>`
}
