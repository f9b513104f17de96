/**
 * What stands before the sign-in service: ends TLS as an Ingress controller does,
 * finds the pods by the Ingress and its Service, takes turns, and tells them who
 * asks. It runs beside the nodes, which route pods but no Services to it.
 */
import { once } from 'node:events'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { buffer } from 'node:stream/consumers'
import type { Test } from 'tap'
import { createCA, issueServing } from '../../src/certificates/issue.js'
import type { Nodes } from './nodes.js'

/** Of the network of the nodes, as pods see it. */
export const ADDRESS = '10.200.0.254'

interface Target {
  readonly host: string
  readonly port: number
}

export interface IngressController {
  /** CA of its certificate, PEM. */
  readonly ca: string
  /** Pods that have answered since the last call, by address. */
  readonly asked: () => string[]
}

/** Serves a host of the Ingresses on 127.0.0.1:443. */
export async function startIngressController (t: Test, cluster: Nodes, host: string): Promise<IngressController> {
  const authority = await createCA({ commonName: 'ingress CA', days: 2 })
  const { cert, key } = await issueServing(authority, { names: [host], days: 1 })
  const asked = new Set<string>()
  let turn = 0
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await buffer(incoming)
    const targets = await findTargets(cluster, host)
    turn++
    for (const index of targets.keys()) {
      const target = targets[(turn + index) % targets.length]!
      const answer = await forward(target, incoming, host, body).catch(() => undefined)
      if (answer === undefined) continue
      asked.add(target.host)
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
      return
    }
    outgoing.writeHead(503).end('no pod of the sign-in service answers')
  }
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    serve(incoming, outgoing).catch(error => { outgoing.destroy(error) })
  }).listen(443, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    ca: authority.cert,
    asked () {
      const pods = [...asked]
      asked.clear()
      return pods
    }
  }
}

async function findTargets ({ admin }: Nodes, host: string): Promise<Target[]> {
  const ingresses = await admin('GET', '/apis/networking.k8s.io/v1/ingresses')
  const rules: Array<{ namespace: string, rule: any }> = ingresses.body.items.flatMap(({ metadata: { namespace }, spec }: any) => spec.rules.map((rule: any) => ({ namespace, rule })))
  const found = rules.find(({ rule }) => rule.host === host)
  if (found === undefined) return []
  const { name } = found.rule.http.paths[0].backend.service
  const endpoints = await admin('GET', `/api/v1/namespaces/${found.namespace}/endpoints/${name}`)
  return (endpoints.body.subsets ?? []).flatMap(({ addresses = [], ports: [{ port }] }: any) => addresses.map(({ ip }: any) => ({ host: ip, port })))
}

async function forward ({ host: address, port }: Target, { method, url, headers, socket }: IncomingMessage, host: string, body: Buffer): Promise<IncomingMessage> {
  const forwarded = { 'x-forwarded-for': socket.remoteAddress, 'x-forwarded-proto': 'https', 'x-forwarded-host': host }
  const { 'transfer-encoding': _, ...rest } = headers
  const call = request({ host: address, port, method, path: url, agent: false, timeout: 5_000, headers: { ...rest, ...forwarded, 'content-length': body.length } })
  call.on('timeout', () => { call.destroy(new Error('no answer')) })
  call.end(body)
  const [answer] = await once(call, 'response')
  return answer
}
