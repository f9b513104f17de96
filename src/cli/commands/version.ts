/** `authn-webhook version` */
import { Command } from 'commander'
import { outputOption, printResult, type OutputFormat, type Terminal } from '../terminal.js'
import { version } from '../../version.js'

export function versionCommand (terminal: Terminal): Command {
  return new Command('version')
    .description('print the versions of authn-webhook and Node.js')
    .addOption(outputOption)
    .addHelpText('after', `
Examples:
  $ authn-webhook version
  $ authn-webhook version -o json`)
    .action(async ({ output }: { output: OutputFormat }) => {
      const versions = { version, node: process.version, platform: `${process.platform}/${process.arch}` }
      await printResult(terminal, output, versions, () => [`authn-webhook ${versions.version} (Node.js ${versions.node}, ${versions.platform})`])
    })
}
