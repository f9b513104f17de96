/** What alice does in her browser and terminal, and her administrator to the users file. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import type { Page } from 'playwright-core'
import type { Outcome } from '../fixtures/command.js'
import { alice } from '../fixtures/people.js'
import type { Nodes } from './nodes.js'

const ROOT = process.cwd()
const CLI = `node ${join(ROOT, 'dist/src/cli/main.js')}`

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

/** How kubectl gets a token: a file of the page that has it. @returns the file */
export async function getKubeconfig (page: Page, issuer: string, file: string): Promise<string> {
  await page.goto(`${issuer}/`)
  await page.getByRole('link', { name: 'Production' }).click()
  const [started] = await Promise.all([page.waitForEvent('download'), page.locator('a[href$="/kubeconfig/token"]').click()])
  await started.saveAs(file)
  return file
}

/** ID of the key that signed the token in a kubeconfig. */
export async function kidOf (kubeconfig: string): Promise<string> {
  const [, header = ''] = /token: "?([\w-]+)\./.exec(await readFile(kubeconfig, 'utf8')) ?? []
  return JSON.parse(Buffer.from(header, 'base64url').toString()).kid
}

export async function listNamespaces ({ kubectl }: Nodes, kubeconfig: string): Promise<Outcome> {
  return await kubectl('--kubeconfig', kubeconfig, 'get', 'namespaces', '--output', 'name')
}

export async function isOut (cluster: Nodes, kubeconfig: string): Promise<boolean> {
  return /You must be logged in|Unauthorized/.test((await listNamespaces(cluster, kubeconfig)).stderr)
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
