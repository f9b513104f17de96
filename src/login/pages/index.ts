/** The pages of the sign-in service: HTML on the server, a stylesheet, and a script that none of them needs. */
import { clientPage } from './client.js'
import { consentPage } from './consent.js'
import { deviceConfirmPage, deviceDonePage, deviceEntryPage } from './device.js'
import { errorPage } from './error.js'
import { homePage } from './home.js'
import type { Pages, Site } from './models.js'
import { signInPage } from './sign-in.js'
import { signedOutPage, signOutPage } from './sign-out.js'

export { assets, type Asset } from './assets.js'

export function createPages (site: Site): Pages {
  const now = site.clock ?? Date.now
  return {
    signIn: model => signInPage(site, model),
    consent: model => consentPage(site, model),
    home: model => homePage(site, model, now()),
    client: model => clientPage(site, model, now()),
    deviceEntry: model => deviceEntryPage(site, model),
    deviceConfirm: model => deviceConfirmPage(site, model, now()),
    deviceDone: () => deviceDonePage(site),
    signOut: model => signOutPage(site, model),
    signedOut: () => signedOutPage(site),
    error: model => errorPage(site, model)
  }
}
