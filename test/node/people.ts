/** What alice does in her browser and terminal, and her administrator to the users file. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { load } from 'js-yaml'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { tool } from '../e2e/cluster.js'
import type { Outcome } from '../fixtures/command.js'
import { BIN, makeHome, runLine, type Home, type TerminalOutcome } from '../fixtures/credential-plugin.js'
import { alice } from '../fixtures/people.js'
import type { Nodes } from './nodes.js'

const CLI = `node ${BIN}`

export async function signIn (page: Page, issuer: string): Promise<void> {
  await page.goto(`${issuer}/`)
  await page.getByLabel('Username').fill(alice.user.username)
  await page.getByLabel('Password').fill(alice.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: 'Production' }).waitFor({ timeout: 10_000 })
}

export async function isSignedIn (page: Page, issuer: string): Promise<boolean> {
  await page.goto(`${issuer}/`)
  return await page.getByRole('link', { name: 'Production' }).isVisible()
}

export interface SignInAddress {
  readonly issuer: string
  /** PEM. */
  readonly ca: string
}

/** A computer of alice's, with the kubeconfig of `authn-webhook login kubeconfig`; it keeps one token. @param bin folder of the program */
export async function makeComputer (t: Test, cluster: Nodes, { issuer, ca }: SignInAddress, bin: string): Promise<Home> {
  const home = await makeHome(t, { graphical: true })
  await writeFile(join(home.dir, 'issuer-ca.crt'), ca)
  await cluster.shell(`ln -s ${bin} bin
bin/authn-webhook login kubeconfig --issuer ${issuer} --issuer-certificate-authority issuer-ca.crt --client production --server ${cluster.server} --certificate-authority ${cluster.authority} > kubeconfig`, home.dir)
  return home
}

const LIST_NAMESPACES = 'PATH=$PWD/bin:$PATH kubectl --kubeconfig=kubeconfig get namespaces --output=name'

/** She types a kubectl command, which opens her browser, where she is signed in. @returns what her terminal shows */
export async function signInFromTerminal (page: Page, home: Home): Promise<TerminalOutcome> {
  const file = join(home.dir, 'names')
  const command = runLine(`${LIST_NAMESPACES} > ${file}`, file, { home, env: { PATH: `${dirname(tool('KUBECTL'))}:${process.env['PATH']}` } })
  await page.goto(await home.nextOpened())
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('You can close this tab').waitFor()
  return await command.ended
}

/** ID of the key that signed the token which a computer keeps. */
export async function kidOf ({ cache }: Home): Promise<string> {
  const [name] = (await readdir(cache)).filter(name => name.endsWith('.json'))
  const { token } = JSON.parse(await readFile(join(cache, name!), 'utf8'))
  return JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()).kid
}

/** Without a terminal: nobody can sign in. */
export async function listNamespaces ({ attempt }: Nodes, { dir }: Home): Promise<Outcome> {
  return await attempt(LIST_NAMESPACES, dir)
}

export async function isOut (cluster: Nodes, home: Home): Promise<boolean> {
  return /You must be logged in|Unauthorized/.test((await listNamespaces(cluster, home)).stderr)
}

/** Where lines of the documentation find the program. */
export async function installProgram ({ shell }: Nodes, dir: string): Promise<void> {
  await shell(`mkdir bin && printf '#!/bin/sh\\nexec ${CLI} "$@"\\n' > bin/authn-webhook && chmod +x bin/authn-webhook`, dir)
}

/** A users file with alice, who has a password. */
export async function createAlice ({ shell }: Nodes, dir: string): Promise<string> {
  const { user: { username, uid }, password } = alice
  await shell(`echo ${password} | ${CLI} users add ${username} --uid ${uid} --group developers --password-file - --users-file users.yaml`, dir)
  return join(dir, 'users.yaml')
}

/** Changes alice's entry, and gives the file to all pods. */
export async function changeAlice ({ shell }: Nodes, file: string, change: object): Promise<void> {
  const users = load(await readFile(file, 'utf8')) as { users: Array<{ username: string }> }
  Object.assign(users.users.find(({ username }) => username === alice.user.username)!, change)
  await writeFile(file, JSON.stringify(users))
  await shell(`kubectl -n kube-system create secret generic authn-webhook-users --from-file=users.yaml=${file} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -
kubectl -n kube-system annotate pods -l 'app.kubernetes.io/instance=authn-webhook,app.kubernetes.io/component in (webhook,login)' --overwrite authn-webhook/users-changed="$(date +%s%N)"`)
}
