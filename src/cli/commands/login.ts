/** `authn-webhook login`: the credential plugin of kubectl. Small, since kubectl runs it at every call. */
import { Command, Option } from 'commander'
import { API_VERSIONS, cacheDirectory, execCredential, getToken, hasBrowser, readExecInfo, type ExecInfo, type FlowName } from '../../credential-plugin/index.js'
import { CommandError, ExitCode } from '../command-error.js'
import type { Terminal } from '../terminal.js'
import { addAccountOptions, readAccount } from './login/account-options.js'
import type { SignInOptions } from './login/dialogue.js'
import { loginKubeconfigCommand } from './login/kubeconfig.js'
import { readSecretFile } from './secret-input.js'

interface LoginOptions extends SignInOptions {
  readonly passwordStdin?: true
}

export function loginCommand (terminal: Terminal): Command {
  return addAccountOptions(new Command('login').description('sign in, and print the token for kubectl'))
    .addCommand(loginKubeconfigCommand(terminal))
    .addOption(new Option('--username <name>', 'sign in with this username and a password').conflicts(['browser', 'deviceCode']))
    .addOption(new Option('--password-stdin', 'read the password of --username from stdin').conflicts(['browser', 'deviceCode']))
    .addOption(new Option('--browser', 'sign in with the browser of this computer').conflicts('deviceCode'))
    .addOption(new Option('--device-code', 'sign in with a browser elsewhere: prints a URL and a code'))
    .addHelpText('after', `
Kubeconfigs run this command; it prints an ExecCredential. Without an option for it, the
flow is the browser in a graphical session, otherwise a device code, or else a password,
as far as the client allows them. The token is cached until a minute before it expires.

Examples:
  $ authn-webhook login --issuer https://login.example.com --client production
  $ authn-webhook login --issuer https://login.example.com --client production --device-code
  $ authn-webhook login --issuer https://login.example.com --client production --username alice --password-stdin < password.txt`)
    .action(async (options: LoginOptions) => {
      const info = readExecInfo(terminal.env)
      if (options.passwordStdin === true && options.username === undefined) throw new CommandError('--password-stdin requires --username')
      const token = await getToken({
        account: await readAccount(options, info),
        directory: cacheDirectory(),
        flow: flowOf(options),
        readPassword: options.passwordStdin && (async () => await readSecretFile(terminal, '-')),
        openDialogue: async () => (await import('./login/dialogue.js')).openDialogue(terminal, { info, options, needsPerson: options.passwordStdin !== true, hasBrowser: hasBrowser(terminal.env) }),
        isNewAttempt: async failedAt => await isNewAttempt(info, failedAt),
        signal: interruption()
      })
      terminal.write(`${JSON.stringify(execCredential(info?.apiVersion ?? API_VERSIONS[0], token))}\n`)
    })
}

function flowOf ({ browser, deviceCode, username }: LoginOptions): FlowName | undefined {
  if (username !== undefined) return 'password'
  return deviceCode === true ? 'device-code' : browser === true ? 'browser' : undefined
}

/** What a person has typed since, by itself or as a kubectl command. */
async function isNewAttempt (info: ExecInfo | undefined, failedAt: number): Promise<boolean> {
  if (info === undefined) return true
  const { isTypedAfter } = await import('../../credential-plugin/typed-command.js')
  return isTypedAfter(failedAt, process.ppid)
}

/** Ctrl-C, and a terminal that is closed, end a sign-in in order: the echo of a prompt is back, and nobody waits for it. A second one ends the process. */
function interruption (): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { controller.abort(new CommandError('interrupted', ExitCode.interrupted)) })
  return controller.signal
}
