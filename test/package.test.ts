/** The package as a user gets it: packed from a clone that was never built, installed elsewhere, run and imported. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const GUIDE = readFileSync(join(ROOT, 'docs/providers.md'), 'utf8')
const NOT_CLONED = ['node_modules', 'dist', '.git', '.tap', '.authn-webhook']
const OFFLINE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/

const execute = promisify(execFile)

/** As the shell of a user would: without tap's loader, and without the settings of the npm that runs this. */
async function run (cwd: string, command: string, ...args: string[]): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|_TAPJS_)/i.test(name))
  const env = { ...Object.fromEntries(inherited), npm_config_fund: 'false', npm_config_audit: 'false', npm_config_update_notifier: 'false' }
  const { stdout } = await execute(command, args, { cwd, env })
  return stdout
}

test('the packed package runs, imports and type-checks where it is installed', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'authn-webhook-package-'))
  t.teardown(() => { rmSync(dir, { recursive: true, force: true }) })
  const clone = join(dir, 'clone')
  cloneTo(clone)
  await run(clone, 'npm', 'pack', '--pack-destination', dir)
  const [tarball] = readdirSync(dir).filter(name => name.endsWith('.tgz'))
  t.equal(tarball, `authn-webhook-${MANIFEST.version}.tgz`)

  const home = join(dir, 'home')
  mkdirSync(home)
  const [prepare, build] = commandsOfGuide('In TypeScript')
  if (!await install(t, home, prepare!.replace(/\S*\/authn-webhook-\S+\.tgz/, join('..', tarball!)))) return
  for (const name of ['tsconfig.json', 'team-tokens.ts', 'team-tokens.test.ts']) writeFileSync(join(home, name), fileOfGuide(name))

  const contents = readdirSync(join(home, 'node_modules/authn-webhook'), { recursive: true, encoding: 'utf8' })
  t.strictSame(contents.filter(name => /^dist.*(\.test\.|tsbuildinfo)|^node_modules/.test(name)), [], 'neither tests nor traces of the build')
  t.equal(await run(home, 'npx', '--no-install', 'authn-webhook', '--version'), `${MANIFEST.version}\n`, 'its executable runs')
  for (const [entry, name] of [['provider', 'defineIdentityProvider'], ['conformance', 'conformanceCases']] as const) {
    const type = await run(home, process.execPath, '--input-type=module', '--eval', `import * as entry from 'authn-webhook/${entry}'; console.log(typeof entry.${name})`)
    t.equal(type, 'function\n', `authn-webhook/${entry} can be imported`)
  }
  t.match(await run(home, 'sh', '-c', build!.replace('--test', '--test --test-reporter=tap')), /^# pass [1-9]\d*\n# fail 0$/m, 'the provider of the guide compiles as it is printed there, and passes the conformance suite')
})

/** Without the build; the packages are this clone's. */
function cloneTo (clone: string): void {
  cpSync(ROOT, clone, { recursive: true, preserveTimestamps: true, filter: path => !NOT_CLONED.some(name => path === join(ROOT, name)) && !/node_modules/.test(path.slice(ROOT.length)) })
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  // nothing here may install into the packages of this clone
  utimesSync(join(clone, 'package-lock.json'), 0, 0)
}

/** With the versions that are tested here. `false` without a network and out of CI: the test is skipped. */
async function install (t: Test, home: string, commands: string): Promise<boolean> {
  const versions = commands.replace(/ (typescript|@types\/node)\b/g, (_, name: string) => ` ${name}@${MANIFEST.devDependencies[name]}`)
  const options = ['prefer_offline=true', 'engine_strict=true', 'ignore_scripts=true', 'loglevel=error'].map(option => `npm_config_${option}`)
  try {
    await run(home, 'env', ...options, 'sh', '-ec', versions)
    return true
  } catch (error) {
    if (process.env['CI'] === 'true' || !OFFLINE.test((error as Error).message)) throw error
    t.pass('skipped', { skip: 'needs the npm registry, or a cache of what the package depends on' })
    return false
  }
}

/** A file that docs/providers.md shows. */
function fileOfGuide (name: string): string {
  return new RegExp(`^\`\`\`\\w+ ${name.replaceAll('.', '\\.')}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(GUIDE)![1]!
}

/** The commands of a section, a text a block. */
function commandsOfGuide (heading: string): string[] {
  const section = GUIDE.split(/^#+ /m).find(text => text.startsWith(`${heading}\n`))!
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(match => match[1]!)
}
