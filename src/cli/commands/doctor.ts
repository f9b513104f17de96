/** `authn-webhook doctor`: is a running service as API servers need it, and if not, what is to be done. */
import { Command } from 'commander'
import type { Diagnosis } from '../doctor/diagnosis.js'
import type { Drill } from '../doctor/drill.js'
import { CommandError, ExitCode } from '../command-error.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { readTextOrStdin } from './secret-input.js'
import { addTargetOptions, readKubeconfig, readTarget, type TargetOptions } from './target-options.js'

interface DoctorOptions extends TargetOptions {
  readonly drill?: boolean
  readonly adminKubeconfig?: string
  readonly tokenFile?: string
  readonly output: OutputFormat
}

const EXIT_CODES: Record<Diagnosis['outcome'], ExitCode> = { ok: ExitCode.done, failed: ExitCode.no, unavailable: ExitCode.unavailable }

export function doctorCommand (terminal: Terminal): Command {
  return addTargetOptions(new Command('doctor').description('check a running service as an API server would: the way there, TLS, certificates, answers'))
    .option('--drill', 'ask the live API server as well, and name the hop that fails')
    .option('--admin-kubeconfig <file>', 'of an admin with a client certificate or a token, for --drill')
    .option('--token-file <file>', 'a good token for --drill, - for stdin; otherwise one that nobody has')
    .addOption(outputOption)
    .addHelpText('after', `
Run it on a control plane machine: what it reaches from elsewhere may be another thing.
It asks for users that do not exist, with random tokens; nobody's account is touched.

Exit code: 0 all is well, perhaps with warnings; 1 a check failed; 69 out of reach, or could not tell.

Examples:
  $ authn-webhook doctor --kubeconfig /etc/kubernetes/pki/authn-webhook/webhook.yaml
  $ authn-webhook doctor --server https://192.0.2.10:8443 --certificate-authority tls/ca.crt -o json
  $ authn-webhook token --username alice | authn-webhook doctor --kubeconfig webhook.yaml \\
      --drill --admin-kubeconfig /etc/kubernetes/admin.conf --token-file -`)
    .action(async (options: DoctorOptions) => {
      const target = await readTarget(options, terminal)
      if (target === undefined) throw new CommandError('name the service: --kubeconfig FILE, or --server URL with --certificate-authority FILE')
      const drill = await readDrill(options, terminal)
      const { examine } = await import('../doctor/diagnosis.js')
      const diagnosis = await examine(target, { drill })
      const { sentenceOf } = await import('../doctor/check.js')
      printResult(terminal, options.output, diagnosis, () => diagnosis.checks.map(check => `${check.outcome.padEnd(11)} ${sentenceOf(check)}`))
      process.exitCode = EXIT_CODES[diagnosis.outcome]
    })
}

async function readDrill ({ drill, adminKubeconfig, tokenFile }: DoctorOptions, terminal: Terminal): Promise<Drill | undefined> {
  if (drill !== true) {
    if (adminKubeconfig !== undefined || tokenFile !== undefined) throw new CommandError('--admin-kubeconfig and --token-file need --drill')
    return undefined
  }
  if (adminKubeconfig === undefined) throw new CommandError('--drill needs --admin-kubeconfig FILE, such as /etc/kubernetes/admin.conf')
  const admin = await readKubeconfig(adminKubeconfig, terminal)
  if (admin.cert === undefined && admin.authorization === undefined) {
    throw new CommandError(`${adminKubeconfig}: its user has neither a client certificate nor a token`)
  }
  if (tokenFile === undefined) return { admin }
  const token = (await readTextOrStdin(terminal, tokenFile)).trim()
  if (token === '') throw new CommandError('the token is empty')
  return { admin, token }
}
