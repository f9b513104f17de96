/** `authn-webhook doctor`: checks a running service and says how to fix what an API server would fail on. */
import { Command } from 'commander'
import { CommandError, ExitCode } from '../command-error.js'
import type { ApiServerReview } from '../doctor/api-server.js'
import type { DoctorResult } from '../doctor/run.js'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { readToken } from './secret-input.js'
import { addTargetOptions, readKubeconfig, readTarget, type TargetOptions } from './target-options.js'

interface DoctorCommandOptions extends TargetOptions {
  readonly adminKubeconfig?: string
  readonly tokenFile?: string
  readonly output: OutputFormat
}

const EXIT_CODES: Record<DoctorResult['outcome'], ExitCode> = { ok: ExitCode.done, failed: ExitCode.no, unavailable: ExitCode.unavailable }

export function doctorCommand (terminal: Terminal): Command {
  return addTargetOptions(new Command('doctor').description('check a running service as an API server would use it'))
    .option('--admin-kubeconfig <file>', 'also check that the API server of this kubeconfig uses it')
    .option('--token-file <file>', 'valid token for --admin-kubeconfig, - for stdin; default: random')
    .addOption(outputOption)
    .addHelpText('after', `
Checks name, port, TLS, certificates and reviews. Run it on a control plane machine:
from elsewhere the network may differ. It reviews random tokens and users that do not
exist, so no account is affected. --admin-kubeconfig also sends a TokenReview to the
live API server and reports which step fails; the admin needs a client certificate or
a token.

Exit code: 0 all checks passed, perhaps with warnings; 1 a check failed; 69 unavailable.

Examples:
  $ authn-webhook doctor --kubeconfig /etc/kubernetes/pki/authn-webhook/webhook.yaml
  $ authn-webhook doctor --server https://192.0.2.10:8443 --certificate-authority tls/ca.crt -o json
  $ authn-webhook token --username alice | authn-webhook doctor --kubeconfig webhook.yaml \\
      --admin-kubeconfig /etc/kubernetes/admin.conf --token-file -`)
    .action(async (options: DoctorCommandOptions) => {
      const target = await readTarget(options, terminal)
      if (target === undefined) throw new CommandError('name the service: --kubeconfig FILE, or --server URL with --certificate-authority FILE')
      const apiServer = await readApiServer(options, terminal)
      const { runDoctor } = await import('../doctor/run.js')
      const { formatCheck } = await import('../doctor/check.js')
      const result = await runDoctor(target, { apiServer })
      await printResult(terminal, options.output, result, () => result.checks.map(check => `${check.outcome.padEnd(11)} ${formatCheck(check)}`))
      process.exitCode = EXIT_CODES[result.outcome]
    })
}

async function readApiServer ({ adminKubeconfig, tokenFile }: DoctorCommandOptions, terminal: Terminal): Promise<ApiServerReview | undefined> {
  if (adminKubeconfig === undefined) {
    if (tokenFile !== undefined) throw new CommandError('--token-file needs --admin-kubeconfig FILE, such as /etc/kubernetes/admin.conf')
    return undefined
  }
  const admin = await readKubeconfig(adminKubeconfig, terminal)
  if (admin.cert === undefined && admin.authorization === undefined) {
    throw new CommandError(`${adminKubeconfig}: the user has neither a client certificate nor a token`)
  }
  return { admin, token: tokenFile === undefined ? undefined : await readToken(terminal, tokenFile) }
}
