/**
 * All texts of the pages. A name in braces is replaced by what a page knows; the
 * text around it stays as it is in every direction of writing.
 */
import type { KubeconfigVariant } from '../kubeconfig.js'
import type { DeviceProblem, ErrorModel, SignInProblem } from './models.js'

export const LANGUAGE = 'en'
export const SERVICE = 'Cluster sign-in'
/** Precedes the title of a page that shows a problem, since a screen reader reads the title first. */
export const PROBLEM_TITLE = 'Problem: {title}'

export const SIGN_IN = {
  title: 'Sign in',
  toClient: 'to continue to {client}',
  toHome: 'to see your clusters and tokens',
  username: 'Username',
  password: 'Password',
  submit: 'Sign in'
} as const

export const SIGN_IN_PROBLEMS: Readonly<Record<SignInProblem, { readonly heading: string, readonly advice: string }>> = {
  rejected: { heading: 'Wrong username or password', advice: 'Check both and try again. After several wrong passwords, an account may be locked for a while.' },
  'not-allowed': { heading: 'You can’t sign in with this account', advice: 'The account is disabled, expired or not allowed to sign in here. Ask your administrator.' },
  throttled: { heading: 'Too many attempts', advice: 'Wait a few minutes, then try again.' },
  unavailable: { heading: 'Sign-in is unavailable', advice: 'Your password could not be checked. Try again in a minute. If this continues, tell your administrator.' }
}

export const CONSENT = {
  title: 'Continue to {client}?',
  lead: '{client} asks to sign you in. It gets a token that lets it act as you.',
  client: 'Application',
  account: 'Your account',
  destination: 'Token goes to',
  thisComputer: 'a program on this computer',
  warning: 'Continue only if you started this sign-in yourself, for example with kubectl.',
  approve: 'Continue',
  cancel: 'Cancel'
} as const

export const ACCOUNT = {
  heading: 'Your account',
  username: 'Username',
  groups: 'Groups',
  noGroups: 'None',
  moreGroups: 'Show {count} more',
  sessionEnds: 'Session ends',
  signOut: 'Sign out'
} as const

export const HOME = {
  title: 'Your clusters',
  lead: 'Choose a cluster to get a kubeconfig or a token.',
  none: 'No clusters are configured for this sign-in service.'
} as const

/** What lies less than half a minute away. */
export const TIMES = { soon: 'in less than a minute', justNow: 'just now' } as const

export const COPY = { button: 'Copy', copied: 'Copied', failed: 'Press Ctrl+C to copy', label: 'Copy: {label}' } as const

export const CLIENT = {
  back: 'All clusters',
  server: 'API server {server}',
  kubeconfigHeading: 'Kubeconfig',
  kubeconfigLead: 'Download one of these files, then run the command where you saved it.',
  download: 'Download',
  downloadLabel: 'Download: {label}',
  thenRun: 'Then run',
  command: 'Command',
  tokenHeading: 'Token',
  tokenLead: 'Anyone who has this token can act as you until it expires. Do not share it.',
  token: 'Token',
  expires: 'Expires',
  setCredentialsHeading: 'Add the token to a kubeconfig that you have',
  setCredentialsLead: 'The command contains the token. Your shell may keep it in its history.'
} as const

export const KUBECONFIGS: Readonly<Record<KubeconfigVariant, { readonly heading: string, readonly text: string }>> = {
  login: { heading: 'With authn-webhook', text: 'Signs you in whenever you need a new token. Contains no secret. Needs the program authn-webhook on your computer.' },
  kubelogin: { heading: 'With kubelogin', text: 'Does the same with the kubectl plugin oidc-login. Contains no secret.' },
  token: { heading: 'With the token', text: 'Needs nothing but kubectl. Contains your token and works until it expires.' }
}

export const DEVICE_ENTRY = {
  title: 'Sign in on a device',
  lead: 'Enter the code that your terminal or device shows.',
  code: 'Code',
  hint: 'Eight letters, such as BCDF-GHJK.',
  warning: 'Do not enter a code that someone sent you: it would sign them in as you.',
  submit: 'Continue'
} as const

export const DEVICE_PROBLEMS: Readonly<Record<DeviceProblem, { readonly heading: string, readonly advice: string }>> = {
  'unknown-code': { heading: 'Unknown code', advice: 'Compare it with the code on your device and try again.' },
  expired: { heading: 'This code is no longer valid', advice: 'It has expired or was already used. Start again on your device to get a new one.' },
  cancelled: { heading: 'Sign-in cancelled', advice: 'The device was not signed in.' },
  throttled: { heading: 'Too many attempts', advice: 'Wait a few minutes, then try again.' }
}

export const DEVICE_CONFIRM = {
  title: 'Sign in this device?',
  lead: 'Your device must show exactly this code:',
  code: 'Code',
  client: 'Application',
  address: 'Device address',
  requestedAt: 'Requested',
  warningHeading: 'Only continue if you started this yourself',
  warning: 'If someone sent you this code or a link to this page, cancel. They would get access as you.',
  approve: 'Sign in this device',
  cancel: 'Cancel'
} as const

export const DEVICE_DONE = {
  title: 'Almost there',
  lead: 'The device is signed in. Go back to it; it continues in a few seconds. You can close this page.'
} as const

export const SIGN_OUT = {
  title: 'Sign out?',
  fromClient: '{client} asks to sign you out.',
  lead: 'You will need your password for the next sign-in in this browser.',
  tokens: 'Tokens that you copied or downloaded, and those of kubectl, stay valid until they expire.',
  approve: 'Sign out',
  cancel: 'Stay signed in'
} as const

export const SIGNED_OUT = {
  title: 'You are signed out',
  signIn: 'Sign in again'
} as const

const START_AGAIN = 'Go back to where you started, such as kubectl or the application, and start the sign-in again.'

/** What the error page says, by what happened. */
export const ERRORS = {
  expired: { title: 'This sign-in has expired', message: 'It took too long, was finished already, or was started in another browser.', advice: START_AGAIN },
  invalidRequest: { title: 'This sign-in can’t continue', message: 'The application sent a request that is not valid.', advice: `${START_AGAIN} If this happens again, tell your administrator.` },
  forged: { title: 'This form is no longer valid', message: 'It was opened before you signed in or out, or was not sent from this site.', advice: 'Go back, reload the page and try again.' },
  notFound: { title: 'Page not found', message: 'There is no page at this address.', advice: 'Check the address, or start from your clusters.' },
  throttled: { title: 'Too many requests', message: 'Your network address sent too many requests.', advice: 'Wait a minute, then try again.' },
  cancelled: { title: 'Sign-in cancelled', message: 'The device was not signed in.', advice: 'You can close this page.' },
  unknownRedirect: { title: 'Unknown redirect URI', message: 'The application asks for an answer at an address that is not registered for it.', advice: 'Ask your administrator to add the address to the redirect URIs of the client.' },
  unknownClient: { title: 'Unknown application', message: 'The sign-in service does not know the client ID of the application.', advice: 'Check the client ID in the settings of the application.' },
  internal: { title: 'Something went wrong', message: 'The sign-in service could not handle the request.', advice: 'Try again in a minute. If this continues, tell your administrator.' },
  unavailable: { title: 'Sign-in is unavailable', message: 'A service that sign-in depends on does not answer.', advice: 'Try again in a minute. If this continues, tell your administrator.' }
} as const satisfies Readonly<Record<string, ErrorModel>>

export const ERROR_PAGE = { home: 'Your clusters' } as const
