// Makes dist/bin of what tsc has built: the executables of the package. kubectl
// runs `authn-webhook login` at every call, and Node.js takes longer to find and
// read a hundred files than to run them; so what a cached token needs is in one
// file, and what only a sign-in needs in others, or in the packages themselves.
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

process.chdir(new URL('..', import.meta.url).pathname)
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

/** Of a cached token; the other packages are loaded from where they are installed. */
const BUNDLED = ['@fastify/error', 'commander', 'env-paths', 'js-yaml']

rmSync('dist/bin', { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: ['authn-webhook', 'kubectl-authn'].map(name => `dist/src/cli/bin/${name}.js`),
  chunkNames: 'chunks/[name]-[hash]',
  outdir: 'dist/bin',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // the other commands are beside the bundle
  external: [...Object.keys(dependencies).filter(name => !BUNDLED.includes(name)), './dist/src/cli/main.js'],
  plugins: [{ name: 'without child processes', setup: withoutChildProcesses }],
  metafile: true,
  // stacks and coverage name the sources
  sourcemap: true,
  sourcesContent: false,
  banner: { js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);" },
  logLevel: 'warning'
})
for (const name of ['authn-webhook', 'kubectl-authn']) chmodSync(`dist/bin/${name}.js`, 0o755)
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
