/** Which program opens the browser on Linux: what BROWSER says, in its order. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { openBrowser } from '../../../../src/credential-plugin/flows/open-browser.js'
import { until } from '../../../fixtures/waiting.js'

const URL_OF_SERVICE = new URL('https://login.example.com/auth?client_id=production&state=a%20b')

/** A browser that writes down its arguments. */
function install (t: Test): { readonly path: string, readonly words: () => Promise<string[]> } {
  const dir = t.testdir()
  const [path, list] = [join(dir, 'browser'), join(dir, 'words')]
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > ${list}.new && mv ${list}.new ${list}\n`)
  chmodSync(path, 0o755)
  return {
    path,
    async words () {
      await until('the browser to be opened', () => existsSync(list))
      return readFileSync(list, 'utf8').trimEnd().split('\n')
    }
  }
}

const CASES: ReadonlyArray<readonly [name: string, browser: (path: string) => string, words: readonly string[]]> = [
  ['a program', path => path, [URL_OF_SERVICE.href]],
  ['a command with options', path => `${path} --private-window`, ['--private-window', URL_OF_SERVICE.href]],
  ['the place of the URL', path => `${path} --new-window %s`, ['--new-window', URL_OF_SERVICE.href]],
  ['the first that exists', path => `/nonexistent/browser:${path}`, [URL_OF_SERVICE.href]]
]

for (const [name, browser, words] of CASES) {
  void test(`BROWSER: ${name}`, { skip: process.platform !== 'linux' }, async t => {
    const installed = install(t)
    t.intercept(process, 'env', { value: { ...process.env, BROWSER: browser(installed.path) } })
    t.equal(await openBrowser(URL_OF_SERVICE), true)
    t.strictSame(await installed.words(), words)
  })
}
