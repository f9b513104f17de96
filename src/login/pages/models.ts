/** What the pages show. Every text may come from a directory or a stranger; the pages escape them. */
import type { Grant } from '../../../schemas/login.js'

/** On every page. */
export interface Site {
  /** Path of the issuer, without "/" at the end; empty for the root. `paths.ts` has what is below it. */
  readonly base: string
  /** Milliseconds since the epoch; pages also tell how long from now a time is. */
  readonly clock?: () => number
}

export type SignInProblem =
  | 'rejected' // unknown user, wrong password, or locked: one message
  | 'not-allowed' // right password, but disabled, expired, no member, reserved name, no uid
  | 'throttled' // too many wrong passwords, or requests of this address
  | 'unavailable' // directory or store unreachable

/** Its form posts `csrf`, `username` and `password`. */
export interface SignInModel {
  /** Where the form is posted. */
  readonly action: string
  /** Hidden field against login CSRF. */
  readonly csrf: string
  readonly username?: string | undefined
  /** Name of the client that asks; absent on the service's own pages. */
  readonly clientName?: string | undefined
  readonly problem?: SignInProblem | undefined
}

/** Its form posts `csrf` and `decision`, which is `approve` or `cancel`. */
export interface ConsentModel {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  /** Host and port that receives the code. */
  readonly redirectHost: string
  readonly username: string
}

export interface HomeModel {
  readonly username: string
  readonly groups: readonly string[]
  /** When the browser session ends. */
  readonly expiresAt: Date
  /** Clients with a `cluster`, which have a page. */
  readonly clients: ReadonlyArray<{ readonly id: string, readonly name: string, readonly server: string }>
}

export interface ClientModel {
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly username: string
  readonly groups: readonly string[]
  readonly server: string
  readonly token: string
  readonly expiresAt: Date
  /** Flows of the client; kubeconfigs choose one that it may use. */
  readonly grants: readonly Grant[]
  /** Has a secret, so that no program of a user's can sign in as this client: the only kubeconfig is the one with the token. */
  readonly confidential?: boolean | undefined
}

export type DeviceProblem =
  | 'unknown-code'
  | 'expired' // or already used
  | 'cancelled' // by the person, on the page that confirms
  | 'throttled'

export interface DeviceEntryModel {
  /** `<form>` of the OpenID provider with its hidden fields; trusted HTML without buttons. Its visible field is replaced by one with a label. */
  readonly form: string
  readonly formId: string
  readonly problem?: DeviceProblem | undefined
}

export interface DeviceConfirmModel {
  readonly form: string
  readonly formId: string
  readonly userCode: string
  readonly clientName: string
  /** Of the device that asked. */
  readonly address: string
  readonly requestedAt: Date
}

export interface SignOutModel {
  readonly form: string
  readonly formId: string
  readonly clientName?: string | undefined
}

export interface ErrorModel {
  readonly title: string
  readonly message: string
  /** What to do. */
  readonly advice: string
}

/** Each gives a whole document of type `text/html`. */
export interface Pages {
  signIn: (model: SignInModel) => string
  consent: (model: ConsentModel) => string
  home: (model: HomeModel) => string
  client: (model: ClientModel) => string
  deviceEntry: (model: DeviceEntryModel) => string
  deviceConfirm: (model: DeviceConfirmModel) => string
  deviceDone: () => string
  signOut: (model: SignOutModel) => string
  signedOut: () => string
  error: (model: ErrorModel) => string
}
