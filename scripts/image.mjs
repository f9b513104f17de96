// Puts together what the image holds of ours, in one directory that is the same
// byte for byte whenever and wherever it is made of the same sources: the
// program bundled with what it imports (the start takes a quarter less time,
// and the image holds nothing that isn't run), the one package with a binary,
// the licenses of all, and the bill of materials. The Dockerfile calls it after
// `npm run build`.
//
// usage: node scripts/image.mjs DIRECTORY
import { execFileSync } from 'node:child_process'
import { cpSync, lutimesSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const [out] = process.argv.slice(2)
if (out === undefined) throw new Error('usage: node scripts/image.mjs DIRECTORY')
process.chdir(new URL('..', import.meta.url).pathname)
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const { packages, lockfileVersion } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const { name, version, license, type, exports: { './provider': provider } } = manifest

mkdirSync(out, { recursive: true })
await bundle()
copyBinary('bcrypt', `prebuilds/linux-${process.arch}`, 'bcrypt.js', 'promises.js', 'package.json')
copyBinary('node-gyp-build', 'index.js', 'node-gyp-build.js', 'package.json')
write('package.json', { name, version, license, type, exports: { './provider': provider.default } })
cpSync('LICENSE', join(out, 'LICENSE'))
writeFileSync(join(out, 'LICENSES'), licenses())
write('sbom.cdx.json', billOfMaterials())
setTimes(out)

/** Unminified, with the names that stacks show. */
async function bundle () {
  await build({
    entryPoints: ['dist/src/cli/main.js', 'dist/src/authn/provider.js', 'dist/src/users-file/worker.js'],
    // beside the worker, which is looked for beside the module that starts it
    chunkNames: 'users-file/[name]-[hash]',
    outdir: join(out, 'dist/src'),
    outbase: 'dist/src',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['bcrypt'],
    legalComments: 'none',
    // packages that are CommonJS ask for Node's own modules by require
    banner: { js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);" },
    logLevel: 'warning'
  })
}

function copyBinary (name, ...files) {
  for (const file of files) cpSync(join('node_modules', name, file), join(out, 'node_modules', name, file), { recursive: true })
}

/** The texts of everything that is in the bundle, or could be. */
function licenses () {
  const texts = Object.entries(packages).filter(([path, { dev, peer }]) => path !== '' && dev !== true && peer !== true).flatMap(([path, { version, license }]) => {
    const files = readdirSync(path).filter(file => /^(licen[sc]e|notice)/i.test(file)).sort()
    const head = `${path.replace(/^.*node_modules\//, '')} ${version} (${license})`
    return [`${head}\n${'-'.repeat(head.length)}\n\n${files.map(file => readFileSync(join(path, file), 'utf8').trim()).join('\n\n')}\n`]
  })
  return texts.join('\n\n')
}

/**
 * npm's, without what differs from run to run; of a project that has no other
 * dependencies than these, since `--omit=dev` also leaves out what a
 * development dependency shares. npm takes the directory's name for the project's.
 */
function billOfMaterials () {
  const cwd = join(mkdtempSync(join(tmpdir(), 'sbom-')), name)
  mkdirSync(cwd)
  const { devDependencies, scripts, ...production } = manifest
  const locked = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(production))
  writeFileSync(join(cwd, 'package-lock.json'), JSON.stringify({ name, version, lockfileVersion, requires: true, packages: { '': production, ...Object.fromEntries(locked) } }))
  const text = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--loglevel=error'], { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  rmSync(dirname(cwd), { recursive: true })
  const { serialNumber, metadata: { timestamp, ...metadata }, ...rest } = JSON.parse(text)
  return { ...rest, metadata }
}

function write (name, value) {
  writeFileSync(join(out, name), `${JSON.stringify(value, null, 2)}\n`)
}

function setTimes (directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) setTimes(join(directory, entry.name))
    else lutimesSync(join(directory, entry.name), 0, 0)
  }
  lutimesSync(directory, 0, 0)
}
