/** Pages of the device flow: RFC 8628. */
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { plainAddress } from '../http/network.js'
import { errorModel } from './errors.js'
import { ERRORS } from './pages/texts.js'
import { sendPage } from './koa-pages.js'
import type { DeviceEntryModel, Pages } from './pages/models.js'

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>

/** As the OpenID provider writes it into its forms. */
const ENTRY_FORM = 'op.deviceInputForm'
const CONFIRM_FORM = 'op.deviceConfirmForm'

export function deviceFlow (pages: Pages, enabled: boolean): DeviceFlow {
  return {
    enabled,
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: ctx => ({ address: plainAddress(ctx.ip), requestedAt: Date.now() }),
    userCodeInputSource (ctx, form, out, error) {
      const page = entryPage(pages, form, out, error)
      // an outage and the like; a wrong code is no error of HTTP
      sendPage(ctx, error === undefined ? 200 : ctx.status, page)
    },
    userCodeConfirmSource (ctx, form, client, deviceInfo, userCode) {
      sendPage(ctx, 200, pages.deviceConfirm({ form, formId: CONFIRM_FORM, userCode, clientName: client.clientName ?? client.clientId, address: String(deviceInfo['address']), requestedAt: new Date(Number(deviceInfo['requestedAt'])) }))
    },
    successSource (ctx) {
      sendPage(ctx, 200, pages.deviceDone())
    }
  }
}

/** Whether a person at a page of this request approves a device, rather than a client that waits for a redirect. */
export function isDeviceFlow ({ oidc }: KoaContextWithOIDC): boolean {
  return oidc.route === 'code_verification' || oidc.route === 'device_resume'
}

function entryPage (pages: Pages, form: string, out: { error: string, error_description?: string | undefined } | undefined, error: unknown): string {
  const name = error instanceof Error ? error.name : undefined
  if (name === 'AbortedError') return pages.error(ERRORS.cancelled)
  if (out !== undefined && name !== undefined && !(name in PROBLEMS)) return pages.error(errorModel(out, error))
  return pages.deviceEntry({ form, formId: ENTRY_FORM, problem: name === undefined ? undefined : PROBLEMS[name] })
}

const PROBLEMS: Record<string, DeviceEntryModel['problem']> = {
  NotFoundError: 'unknown-code',
  NoCodeError: 'unknown-code',
  AlreadyUsedError: 'unknown-code',
  ExpiredError: 'expired'
}
