// Makes dist/bin of what tsc has built: the executables of the package. kubectl
// runs `authn-webhook login` at every call, and Node.js takes longer to find and
// read a hundred files than to run them; so each executable is one file, and a
// CommonJS one, which loads faster than an ES module. What only a sign-in needs
// is not run before.
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

process.chdir(new URL('..', import.meta.url).pathname)
const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

/** What a cached token needs, and packages that are ES modules only; the others are loaded from where they are installed. */
const BUNDLED = ['@fastify/error', 'commander', 'env-paths', 'ghtml', 'jose', 'js-yaml', 'openid-client']

rmSync('dist/bin', { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: ['authn-webhook', 'kubectl-authn'].map(name => `dist/src/cli/bin/${name}.js`),
  outdir: 'dist/bin',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  // the other commands are beside the bundle
  external: [...Object.keys(dependencies).filter(name => !BUNDLED.includes(name)), './dist/src/cli/main.js'],
  plugins: [{ name: 'without child processes', setup: withoutChildProcesses }],
  metafile: true,
  // stacks and coverage name the sources
  sourcemap: true,
  sourcesContent: false,
  define: { 'import.meta.url': 'urlOfBundle' },
  banner: { js: "const urlOfBundle = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning'
})
for (const name of ['authn-webhook', 'kubectl-authn']) chmodSync(`dist/bin/${name}.js`, 0o755)
// the nearest one says how files are loaded, and is where the program looks for its version
writeFileSync('dist/bin/package.json', JSON.stringify({ type: 'commonjs', version }))
writeFileSync('dist/bin/LICENSES', licenses())

/** commander loads them at once, for subcommands that are programs of their own. There are none, and it takes a tenth of the start. */
function withoutChildProcesses ({ onResolve, onLoad }) {
  onResolve({ filter: /^node:child_process$/ }, ({ importer }) => importer.includes('/commander/') ? { path: 'nothing', namespace: 'empty' } : undefined)
  onLoad({ filter: /^nothing$/, namespace: 'empty' }, () => ({ contents: '' }))
}

/** Of the packages in the bundle. */
function licenses () {
  const folders = new Set(Object.keys(metafile.inputs).flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  return [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
    const texts = readdirSync(folder).filter(file => /^(licen[sc]e|notice)/i.test(file)).sort().map(file => readFileSync(`${folder}/${file}`, 'utf8').trim())
    return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`
  }).join('\n\n')
}
