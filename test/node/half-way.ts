/** A run that is in the middle of its work until somebody kills it: see run.mjs. */
import { test } from 'tap'
import { CHART } from '../chart-install/release.js'
import { startNodes } from './nodes.js'
import { settled } from './pods.js'

test('half-way', async t => {
  const cluster = await startNodes(t)
  await cluster.shell(`helm install authn-webhook ${CHART} --namespace kube-system`)
  await settled(cluster)
  console.log('half-way')
  await new Promise(() => { setInterval(() => {}, 1_000) })
})
