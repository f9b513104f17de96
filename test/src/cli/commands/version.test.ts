import { readFile } from 'node:fs/promises'
import { test } from 'tap'
import { runCommand } from '../../../fixtures/command.js'

test('version says what runs here', async (t) => {
  const { version } = JSON.parse(await readFile(new URL('../../../../package.json', import.meta.url), 'utf8'))
  const platform = `${process.platform}/${process.arch}`
  const cases: Array<[args: string[], stdout: string]> = [
    [['version'], `authn-webhook ${version} (Node.js ${process.version}, ${platform})\n`],
    [['version', '-o', 'json'], `${JSON.stringify({ version, node: process.version, platform }, null, 2)}\n`],
    [['version', '--output=yaml'], `version: ${version}\nnode: ${process.version}\nplatform: ${platform}\n`],
    [['--version'], `${version}\n`]
  ]
  for (const [args, stdout] of cases) {
    t.strictSame(await runCommand(args), { code: 0, signal: null, stdout, stderr: '' }, args.join(' '))
  }
})
