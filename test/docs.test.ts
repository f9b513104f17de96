/** What the documents say is true: links, files, commands, metrics, the Dockerfile. Who may import whom is in layout.test.ts. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, CommanderError } from 'commander'
import { load } from 'js-yaml'
import * as ldapts from 'ldapts'
import { test } from 'tap'
import { loadConfig } from '../src/config/load.js'
import { certsCommand } from '../src/cli/commands/certs.js'
import { validateCommand } from '../src/cli/commands/validate.js'
import { DEFAULT_NAMES } from '../src/certificates/directory.js'
import { parseRevocations } from '../src/revocations-file/read.js'
import { parseUsers } from '../src/users-file/read.js'
import { findDefinition } from '../src/config/registry.js'
import { runInProcess } from './fixtures/command-in-process.js'
import { everyCommand } from './fixtures/every-command.js'
import { startService } from './fixtures/service.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['', 'docs', 'src', 'plugins', 'schemas', 'test', 'test/chart-install', 'test/e2e', 'bench', 'examples', 'charts/authn-webhook']
const DOCUMENTS = FOLDERS.flatMap(folder => readdirSync(join(ROOT, folder))
  .filter(name => name.endsWith('.md'))
  .map(name => join(folder, name)))

test('every relative link leads somewhere', async t => {
  for (const document of DOCUMENTS) {
    const links = [...read(document).matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1]!).filter(link => !/^[a-z]+:/.test(link))
    const broken = links.filter(link => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? document : join(dirname(document), path)
      if (!existsSync(join(ROOT, target))) return true
      return anchor !== undefined && !anchorsOf(target).includes(anchor)
    })
    t.strictSame(broken, [], document)
  }
})

test('the index of the documentation names every page', async t => {
  const linked = [...read('docs/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(match => match[1]!)
  const pages = readdirSync(join(ROOT, 'docs')).filter(name => name.endsWith('.md') && name !== 'README.md')
  t.strictSame([...linked].sort(), pages.sort())
})

test('every path that a document names exists', async t => {
  for (const document of DOCUMENTS.filter(name => name !== 'CHANGELOG.md')) {
    const paths = [...read(document).matchAll(/`((?:src|plugins|schemas|test|bench|scripts|examples|charts|deploy)\/[\w./-]*)`/g)].map(match => match[1]!)
    t.strictSame(paths.filter(path => !existsSync(join(ROOT, path))), [], document)
  }
})

test('the architecture names every folder of the sources, and every file of the domain', async t => {
  const layout = read('docs/architecture.md').split('## Source layout')[1]!.split('## Who may import whom')[0]!
  const entries = ['src', 'plugins', 'schemas'].flatMap(folder => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => `${name}/`)
  const files = ['src', 'src/authn'].flatMap(folder => readdirSync(join(ROOT, folder))).filter(name => name.endsWith('.ts'))
  t.strictSame([...folders, ...files].filter(name => !layout.includes(name)), [])
})

test('every config, users file and revocations file validates', async t => {
  const blocks = DOCUMENTS.flatMap(document => codeBlocks(document, 'yaml')
    .filter(text => /^apiVersion: authn-webhook\/v1$/m.test(text))
    .map((text, index) => ({ name: `${document}, block ${index + 1}`, text })))
  t.ok(blocks.some(({ text }) => isUsersFile(text)), 'there are users files')
  t.ok(blocks.some(({ text }) => !isUsersFile(text)), 'there are configs')
  const directory = t.testdir({ 'ldap-password': 'of the service account' })
  for (const { name, text } of blocks) {
    if (isUsersFile(text)) {
      t.doesNotThrow(() => parseUsers(text, name), name)
    } else if (/^revocations:/m.test(text)) {
      await t.resolves(parseRevocations(Buffer.from(text), name), name)
    } else {
      const file = join(directory, 'authn-webhook.yaml')
      writeFileSync(file, text)
      // whether a third party's module is there is not this test's question
      await t.resolves(loadConfig({ file, findDefinition: async (entry, ctx) => entry.kind === 'module' ? ANYTHING : await findDefinition(entry, ctx) }), name)
    }
  }
})

test('recipes that ask for client certificates name the CA that certs writes, and the API server', async t => {
  const examples = readdirSync(join(ROOT, 'examples')).filter(name => name.endsWith('.yaml')).map(name => join('examples', name))
  const texts = [
    ...DOCUMENTS.flatMap(document => codeBlocks(document, 'yaml').map(text => ({ name: document, text }))),
    ...[...examples, 'deploy/deployment.yaml', 'deploy/daemonset.yaml', 'deploy/sign-in/deployment.yaml'].map(name => ({ name, text: read(name) }))
  ].filter(({ text }) => text.includes('clientCAFile:'))
  t.ok(texts.length >= 10, 'there are some')
  for (const { name, text } of texts) {
    const [, file] = /clientCAFile: ([^\s,}]+)/.exec(text) ?? []
    t.match(file, /^(\/etc\/authn-webhook\/)?tls\/ca\.crt$/, name)
    t.match(text, /clientNames:\s+(\[kube-apiserver\]|- kube-apiserver\n)/, name)
  }
})

test('recipes for directories paste as they are', async t => {
  const directory = t.testdir({ 'ldap-password': 'of the service account' })
  const recipes = read('docs/ldap.md')
  const [, args = ''] = /^authn-webhook (certs .*)$/m.exec(recipes) ?? []
  const made = await runInProcess(certsCommand, args.split(' ').map(arg => arg === 'tls' ? join(directory, 'tls') : arg))
  t.equal(made.code, 0, made.stderr)
  writeFileSync(join(directory, 'ldap-ca.crt'), readFileSync(join(directory, 'tls/ca.crt')))
  const configs = codeBlocks('docs/ldap.md', 'yaml').filter(text => text.startsWith('apiVersion:'))
  t.equal(configs.length, 6)
  for (const [index, text] of configs.entries()) {
    const file = join(directory, `${index}.yaml`)
    writeFileSync(file, text)
    const { code, stderr } = await runInProcess(validateCommand, ['validate', '--config', file])
    t.strictSame([code, stderr], [0, ''], text)
  }
})

test('what the log says of a directory is what the code writes', async t => {
  const [, table = ''] = read('docs/ldap.md').split('| the log says |')
  const rows = [...table.matchAll(/^\| (`.*?) \|/gm)].map(match => match[1]!)
  t.ok(rows.length > 10, 'there are rows')
  const code = ['src/authn/open-providers.ts', ...readdirSync(join(ROOT, 'plugins/providers/ldap'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).map(name => join('plugins/providers/ldap', name))].map(read).join('\n').replaceAll("\\'", "'")
  // what a reload logs begins with the name of the files
  const reloads = [...read('src/files/reloadable.ts').matchAll(/`\$\{name\}([^`]+)`/g)].flatMap(([, message]) => [...code.matchAll(/name: '([^']+)'/g)].map(([, name]) => `${name}${message}`))
  t.ok(reloads.length > 0, 'there are messages about reloads')
  // words of Node.js, OpenSSL and a directory, which end up in a reason
  const others = ['ECONNREFUSED', 'unable to verify the first certificate', 'self-signed certificate', 'ERR_TLS_CERT_ALTNAME_INVALID', 'certificate has expired']
  for (const sentence of rows.flatMap(row => [...row.matchAll(/`([^`]+)`/g)].map(match => match[1]!))) {
    for (const part of sentence.split('\u2026').map(part => part.trim()).filter(part => part !== '')) {
      const [, name = '', result] = /^(\w+Error) (\d+)$/.exec(part) ?? []
      const known = others.includes(part) || [code, ...reloads].some(text => text.includes(part)) || isErrorOfLdapts(name, Number(result))
      t.ok(known, part)
    }
  }
})

test('every command line is one that the program takes', async t => {
  const program = await everyCommand()
  const helps = program.commands.map(command => ({ document: `${command.name()} --help`, lines: linesOfShell(helpOf(command).split('Examples:')[1] ?? '') }))
  const named = [...DOCUMENTS.map(document => ({ document, lines: commandLines(read(document)) })), ...helps].flatMap(({ document, lines }) => lines.map(line => ({ document, line })))
  t.ok(named.length > 100, 'there are command lines')
  for (const { document, line } of named) {
    const error = await program.parseAsync(line.split(/\s+/), { from: 'user' }).then(() => undefined, (error: CommanderError) => error)
    t.ok(error === undefined || (isMention(line) && INCOMPLETE.includes(error.code)), `${document}: ${line}: ${error?.message ?? 'good'}`)
  }
})

test('a Service of the cluster has the one name that API servers look for, which is in every certificate of certs', async t => {
  const { commands } = await everyCommand()
  const texts = [...[...DOCUMENTS, 'charts/authn-webhook/templates/_handover.tpl'].map(read), ...commands.map(helpOf)]
  const names = texts.flatMap(text => text.match(/\b[\w-]+\.kube-system\.svc\b/g) ?? [])
  t.strictSame([...new Set(names)], DEFAULT_NAMES.filter(name => name.endsWith('.svc')))
})

test('the table of metrics is whole', async t => {
  const { get } = await startService(t, { providers: { people: { authenticateToken: () => null } } })
  const { text } = await get('/metrics')
  const served = [...text.matchAll(/^# TYPE (authn_webhook_\w+)/gm)].map(match => match[1]!)
  const documented = section(read('docs/metrics.md'), 'metrics').map(([name]) => name!.replaceAll('`', ''))
  t.strictSame(documented.sort(), served.sort())
  const named = DOCUMENTS.flatMap(document => [...read(document).matchAll(/\bauthn_webhook_\w+/g)].map(match => match[0].replace(/_(bucket|sum|count)$/, '')))
  t.strictSame(named.filter(name => !served.includes(name)), [], 'no document names another')
})

test('the Dockerfile keeps its promises', async t => {
  const instructions = read('Dockerfile').replace(/\\\n\s*/g, ' ').split('\n').filter(line => /^[A-Z]+ /.test(line))
  const last = instructions.slice(instructions.findLastIndex(line => line.startsWith('FROM ')))
  t.match(instructions.filter(line => line.startsWith('FROM ')), [/^FROM \$\{NODE_BUILD\} /, /^FROM \$\{NODE_RUNTIME\}$/], 'both images can be pinned from outside')
  t.ok(instructions.some(line => line.startsWith('RUN npm ci --ignore-scripts')), 'from the lock file, without install scripts')
  t.strictSame(last.filter(line => line.startsWith('COPY')), ['COPY --from=build /image/ /'], 'what scripts/image.mjs put together, and nothing else')
  t.ok(last.includes(`ARG VERSION=${JSON.parse(read('package.json')).version}`), 'its label is of this release')
  t.ok(last.includes('USER 65532:65532'), 'never root')
  t.strictSame(last.filter(line => line.startsWith('RUN ')), [], 'nothing that needs a shell in the runtime image')
  const [, entrypoint] = last.find(line => line.startsWith('ENTRYPOINT '))!.split(/ (.*)/)
  const [node, ...flags] = JSON.parse(entrypoint!) as string[]
  t.strictSame([node, flags.pop()], ['node', '/app/dist/src/cli/main.js'], 'signals reach node itself')
  t.ok(flags.some(flag => /^--max-old-space-size-percentage=\d+$/.test(flag)), 'the heap follows the memory limit')
  t.ok(flags.includes('--disable-sigusr1'), 'no signal opens a debugger')
  t.strictSame(flags.slice(2), /node (--.*) dist/.exec(JSON.parse(read('package.json')).scripts.start)![1]!.split(' '), 'the memory settings are those of npm start')
  t.ok(last.includes('CMD ["serve"]'))
})

const ANYTHING = { contract: 1, kind: 'module', schema: {}, open: () => ({ authenticateToken: () => null }) }

/** Of what is only named, `users disable` or `review --username`: nothing but words of the program. */
const INCOMPLETE = ['commander.help', 'commander.missingArgument', 'commander.missingMandatoryOptionValue', 'commander.optionMissingArgument']

function isMention (line: string): boolean {
  return /^[a-z-]+( [a-z]+)?( --[a-z-]+)*$/.test(line)
}

function helpOf (command: Command): string {
  let help = ''
  command.configureOutput({ writeOut: text => { help += text } }).outputHelp()
  return help
}

function isErrorOfLdapts (name: string, code: number): boolean {
  const { [name]: Known } = ldapts as unknown as Record<string, new (code: number) => ldapts.ResultCodeError>
  return Known !== undefined && new Known(code).code === code
}

function read (file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function codeBlocks (document: string, language: string): string[] {
  return [...read(document).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(match => match[1]!)
}

function isUsersFile (text: string): boolean {
  return 'users' in (load(text) as object)
}

/** What follows `authn-webhook`, in shell blocks and in inline code. To Helm it is a release's name. */
function commandLines (text: string): string[] {
  const blocks = [...text.matchAll(/^ *```(?:sh|console)\n([\s\S]*?)^ *```/gm)].map(match => match[1]!)
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, '')
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(match => match[1]!)
  return [...blocks, ...inline].flatMap(linesOfShell)
}

/** Continued lines are one; a redirection, a pipe, a comment or two spaces end a command. */
function linesOfShell (text: string): string[] {
  const lines = text.replace(/\\\n\s*/g, '').split('\n').map(line => line.replace(/\s#.*$/, '').replace(/\bhelm [^|]*/, ''))
  return lines.flatMap(line => [...line.matchAll(/(?:^|[\s$("])authn-webhook ([a-z].*?)(?= {2}|[|<>&;)"]|$)/g)].map(match => match[1]!.trim()))
}

/** Anchors as GitHub makes them. */
function anchorsOf (document: string): string[] {
  if (!document.endsWith('.md')) return []
  const headings = [...read(document).replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(match => match[1]!)
  return headings.map(heading => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

/** The rows of the table between two comments, without its head. */
function section (text: string, name: string): string[][] {
  const table = text.split(`<!-- ${name}: begin -->`)[1]!.split(`<!-- ${name}: end -->`)[0]!
  return table.trim().split('\n').slice(2).map(row => row.split('|').slice(1, -1).map(cell => cell.trim()))
}
