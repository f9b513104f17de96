/** `webhook-config --for`: the file for a Kubernetes distribution, with the setup steps as comments. */
import type { Kubeconfig } from '../../../schemas/kubeconfig.js'
import type { DistributionGuide, SetupStep } from './guide.js'
import { kind } from './kind.js'
import { kubeadm } from './kubeadm.js'
import { k3s, rke2 } from './rancher.js'
import { talos, talos114 } from './talos.js'
import { formatYaml } from '../../printable-yaml.js'

export const DISTRIBUTIONS = { kubeadm, kind, k3s, rke2, talos, 'talos-1.14': talos114 } satisfies Record<string, DistributionGuide>
export type DistributionName = keyof typeof DISTRIBUTIONS

const WIDTH = 78

/** The kubeconfig, or a document that contains it. */
export function createDistributionFile (name: DistributionName, kubeconfig: Kubeconfig): object {
  const { document }: DistributionGuide = DISTRIBUTIONS[name]
  return document === undefined ? kubeconfig : document(kubeconfig)
}

/** YAML that starts with the steps as comments. */
export function formatDistributionFile (name: DistributionName, file: object): string {
  const lines = [
    ...wrap(`How an API server of ${DISTRIBUTIONS[name].title} reaches authn-webhook. The steps follow its documentation; try them on a test cluster first.`),
    '',
    ...wrap('DO THIS ON EVERY CONTROL PLANE NODE, one after another. An API server does not start when this file is missing, unreadable or invalid: first the file, then the flags. Keep a kubeconfig with a client certificate at hand; it works without the webhook.'),
    '',
    ...stepsOf(DISTRIBUTIONS[name])
  ]
  return `${lines.map((line) => `# ${line}`.trimEnd()).join('\n')}\n\n${formatYaml(file)}`
}

/** Only the steps, for the notes of the Helm chart. */
export function formatDistributionSteps (name: DistributionName): string {
  return `${stepsOf(DISTRIBUTIONS[name]).join('\n')}\n`
}

function stepsOf ({ steps, change, undo }: DistributionGuide): string[] {
  return [
    ...steps.flatMap((step, index) => format(step, `${index + 1}. `)),
    ...format(change, 'To change this file later: '),
    ...format(undo, 'To undo: ').slice(0, -1)
  ]
}

function format ({ text, code }: SetupStep, label: string): string[] {
  return [...wrap(`${label}${text}`), '', ...code.text.trimEnd().split('\n').map((line) => `      ${line}`), '']
}

/** Breaks at spaces. */
function wrap (text: string): string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > WIDTH) return [...lines, word]
    return [...lines.slice(0, -1), `${last} ${word}`]
  }, [])
}
