/** How `login` reaches a person, whose terminal is that of kubectl. */
import { SignInError, type Dialogue, type ExecInfo } from '../../../credential-plugin/index.js'
import { openControllingTerminal } from '../../controlling-terminal.js'
import type { Terminal } from '../../terminal.js'
import type { AccountOptions } from './account-options.js'

export interface SignInOptions extends AccountOptions {
  readonly browser?: true
  readonly deviceCode?: true
}

export interface DialogueOptions {
  readonly info: ExecInfo | undefined
  /** For the command to type. */
  readonly options: SignInOptions
  /** Otherwise the password is on stdin. */
  readonly needsPerson: boolean
  readonly hasBrowser: boolean
}

/** @throws SignInError if nobody can be asked: kubectl says so, or there is no terminal */
export function openDialogue (terminal: Terminal, { info, options, needsPerson, hasBrowser }: DialogueOptions): Dialogue {
  const person = info?.interactive === false || !needsPerson ? undefined : openControllingTerminal(terminal)
  if (person === undefined && needsPerson) throw new SignInError('not-signed-in', `not signed in, and there is no terminal to sign in on: ${whatToType(options, info)}`)
  // kubectl passes stderr on; prompts are on the terminal itself, wherever that is redirected to
  const tell = terminal.stderr.isTTY === true || person === undefined ? terminal.note : person.note
  return { tell, prompt: async (question, settings) => await (person ?? terminal).prompt(question, settings), hasBrowser }
}

/** A CA in base64 is too long to be typed, and only kubectl passes that of the cluster. */
function whatToType ({ issuer, client, certificateAuthority, certificateAuthorityData, username, browser, deviceCode }: SignInOptions, info: ExecInfo | undefined): string {
  if (certificateAuthorityData !== undefined || (certificateAuthority === undefined && info?.clusterCA !== undefined)) return 'run a kubectl command with this kubeconfig in a terminal, such as "kubectl version"'
  const flags = { issuer, client, 'certificate-authority': certificateAuthority, username }
  const words = [
    ...Object.entries(flags).flatMap(([name, value]) => value === undefined ? [] : [`--${name}=${quote(value)}`]),
    ...browser === true ? ['--browser'] : [],
    ...deviceCode === true ? ['--device-code'] : []
  ]
  return `run "authn-webhook login ${words.join(' ')}" in a terminal`
}

function quote (text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
