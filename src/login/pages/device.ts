/** The pages on which a person signs in a device by its code (RFC 8628). */
import { html } from 'ghtml'
import { facts, name, plainPhrase, problemBox, time } from './elements.js'
import { layout } from './layout.js'
import type { DeviceConfirmModel, DeviceEntryModel, Site } from './models.js'
import { DEVICE_CONFIRM, DEVICE_DONE, DEVICE_ENTRY, DEVICE_PROBLEMS, PROBLEM_TITLE } from './texts.js'

export function deviceEntryPage (site: Site, { form, formId, problem }: DeviceEntryModel): string {
  const invalid = problem === 'unknown-code' || problem === 'expired' ? 'aria-invalid="true"' : ''
  return layout(site, {
    title: problem === undefined ? DEVICE_ENTRY.title : plainPhrase(PROBLEM_TITLE, { title: DEVICE_PROBLEMS[problem].heading }),
    heading: html`${DEVICE_ENTRY.title}`,
    body: html`<p class="lead">${DEVICE_ENTRY.lead}</p>
!${problem === undefined ? '' : problemBox(DEVICE_PROBLEMS[problem], false)}
!${withoutVisibleFields(form)}
<label for="user_code">${DEVICE_ENTRY.code}</label>
<input class="code" id="user_code" name="user_code" form="${formId}" type="text" required autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" aria-describedby="!${problem === undefined ? 'hint' : 'problem hint'}" !${invalid} autofocus>
<p class="soft" id="hint">${DEVICE_ENTRY.hint}</p>
<p class="box warning">${DEVICE_ENTRY.warning}</p>
<button type="submit" class="primary" form="${formId}">${DEVICE_ENTRY.submit}</button>`
  })
}

/** The provider's own field for the code has no label, and an inline script, which the pages forbid. */
function withoutVisibleFields (form: string): string {
  return form.replace(/<input\b(?![^>]*\btype="hidden")[^>]*>(?:<\/input>)?/g, '')
}

export function deviceConfirmPage (site: Site, { form, formId, userCode, clientName, address, requestedAt }: DeviceConfirmModel, now: number): string {
  return layout(site, {
    title: DEVICE_CONFIRM.title,
    heading: html`${DEVICE_CONFIRM.title}`,
    body: html`<p class="lead">${DEVICE_CONFIRM.lead}</p>
<p class="code">!${name(userCode)}</p>
!${facts([[DEVICE_CONFIRM.client, name(clientName)], [DEVICE_CONFIRM.address, name(address)], [DEVICE_CONFIRM.requestedAt, time(requestedAt, now)]])}
<div class="box warning"><strong>${DEVICE_CONFIRM.warningHeading}</strong><p>${DEVICE_CONFIRM.warning}</p></div>
!${form}
<button type="submit" class="primary" form="${formId}">${DEVICE_CONFIRM.approve}</button>
<button type="submit" form="${formId}" name="abort" value="yes">${DEVICE_CONFIRM.cancel}</button>`
  })
}

export function deviceDonePage (site: Site): string {
  return layout(site, {
    title: DEVICE_DONE.title,
    heading: html`${DEVICE_DONE.title}`,
    body: html`<p class="lead">${DEVICE_DONE.lead}</p>`
  })
}
